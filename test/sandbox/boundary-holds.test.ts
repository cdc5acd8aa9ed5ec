import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import { openFileRecords } from '../../src/files/file-records.ts';
import { temporaryFolder } from '../support/harness.ts';
import { rule, runInside, sandboxMaker, sandboxOf } from '../support/sandbox-maker.ts';

const PLATFORM = rule('read', 'platform');

/** A folder that anybody can enter, with a folder `w` in it. */
async function workFolder(): Promise<string> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'w'));
  return join(folder, 'w');
}

/** What a sandbox fails with: its step, and the error of the system. */
async function failure(made: Promise<unknown>): Promise<readonly [string, string]> {
  const error: unknown = await made.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RunletError)) throw new Error(`did not fail: ${String(error)}`);
  expect(error.reason).toBe('SANDBOX_UNAVAILABLE');
  const { errnoName = '', step = '' } = error.details.sandboxFailure ?? {};
  return [step, errnoName];
}

describe('the platform', () => {
  it('is what programs need, and nothing that could be changed', async () => {
    const { prepare } = sandboxMaker();
    const made = await prepare(sandboxOf([PLATFORM]));
    const script = `
      ls -A /
      find /proc/sys /proc/irq /proc/fs -writable 2>/dev/null
      for at in / /usr /etc /dev /proc/sys; do { echo x > $at/new; } 2>/dev/null && echo $at; done
      { cat /etc/shadow; } 2>/dev/null
      echo x > /dev/null && head -c 1 /dev/zero | wc -c && echo x > /dev/shm/x && ls /dev/shm
    `;
    const { stdout } = await runInside(made, script);
    const names = stdout.split('\n');
    expect(names).toEqual(expect.arrayContaining(['.runlet-first', 'dev', 'etc', 'proc', 'usr']));
    const rest = names.filter(
      (name) => !/^(\.runlet-first|s?bin|lib\w*|dev|etc|proc|usr)?$/.test(name),
    );
    expect(rest).toEqual(['1', 'x']);
    expect(made.hasTemp).toBe(false);
    expect([made.accessAt('/usr/bin'), made.accessAt('/home')]).toEqual(['read', 'none']);
  });
});

describe('what is forbidden inside of what can be written', () => {
  it('stays so, and what is allowed again deeper can be written', async () => {
    const w = await workFolder();
    await mkdir(join(w, 'a/secret/open'), { recursive: true });
    await mkdir(join(w, 'a/fixed'));
    await writeFile(join(w, 'a/secret/key'), 'key');
    await writeFile(join(w, 'a/fixed/file'), 'file');
    await writeFile(join(w, 'token'), 'token');
    const { prepare } = sandboxMaker();
    const made = await prepare(
      sandboxOf([
        PLATFORM,
        rule('write', w),
        rule('none', join(w, 'a/secret')),
        rule('write', join(w, 'a/secret/open')),
        rule('read', join(w, 'a/fixed')),
        rule('none', join(w, 'token')),
      ]),
    );
    const script = `
      cd ${w}
      cat a/secret/key token; ls a/secret; chmod 700 a/secret; chmod 600 token
      echo x > a/secret/new; echo x > a/fixed/new; echo x >> a/fixed/file; rm a/fixed/file
      mv a b; mv a/secret a/s; mv a/fixed a/f; mv token t; rm token; rm -d a; ln -sfT /usr a; ln -f a/new token
      echo open > a/secret/open/new; echo new > a/new
      cat a/fixed/file
    `;
    const { stdout } = await runInside(made, script);
    expect(stdout).toBe('file');
    await made.release();
    expect(await readFile(join(w, 'a/secret/open/new'), 'utf8')).toBe('open\n');
    expect(await readFile(join(w, 'a/new'), 'utf8')).toBe('new\n');
    expect((await readdir(w, { recursive: true })).sort()).toEqual(
      ['a', 'a/fixed', 'a/fixed/file', 'a/new', 'a/secret', 'a/secret/key', 'a/secret/open']
        .concat(['a/secret/open/new', 'token'])
        .sort(),
    );
  });

  it('shows nothing more where what may be written around it is not there, either', async () => {
    const w = await workFolder();
    // Nothing can be made below a file, nor where it is not.
    await writeFile(join(w, 'file'), '');
    const { errors, placeholders, prepare } = sandboxMaker();
    const made = await prepare(
      sandboxOf([
        PLATFORM,
        rule('read', w),
        rule('write', join(w, 'missing'), true),
        rule('none', join(w, 'missing/no'), true),
        rule('read', join(w, 'missing/deep/er'), true),
        rule('write', join(w, 'file')),
        rule('none', join(w, 'file/no'), true),
        rule('write', join(w, 'file/missing'), true),
        rule('none', join(w, 'file/missing/no'), true),
      ]),
    );
    // It is sealed, and is nothing of the machine's.
    expect(made.arguments.split('\0').filter((argument) => argument === '/')).toEqual(['/']);
    const script = `ls ${w}; mkdir ${w}/missing || echo refused; ls -d /root /home /var /boot || :`;
    expect((await runInside(made, script)).stdout).toBe('file\nrefused\n');
    await made.release();
    expect([await readdir(w), placeholders.size, errors]).toEqual([['file'], 0, []]);
  });

  it('cannot be made, renamed over or replaced by a link where it is not there', async () => {
    const w = await workFolder();
    await mkdir(join(w, 'a'));
    const { errors, placeholders, prepare } = sandboxMaker();
    const rules = sandboxOf([
      PLATFORM,
      rule('write', w),
      rule('none', join(w, 'a/no'), true),
      rule('read', join(w, 'a/deep/er'), true),
    ]);
    const [made, other] = await Promise.all([prepare(rules), prepare(rules)]);
    const script = `
      cd ${w}; mkdir x
      echo x > a/no; mkdir a/no; ln -sT /usr a/no; mv -T x a/no; rm -rf a/no; echo x > a/no/x
      echo x > a/deep/er/x; mv a/deep a/d; mv a b; rm -d a/deep/er; ln -sfT /usr a/deep; mv -T x a/deep/er
      echo x > a/deep/other; ls a/deep
      rm a/deep/other; rm -d x
    `;
    expect(await runInside(made, script)).toMatchObject({ stdout: 'er\nother\n' });
    await made.release();
    // Another relies on it still.
    expect(await readdir(join(w, 'a'))).toEqual(['deep', 'no']);
    expect(await runInside(other, `echo x > ${w}/a/no; rm -rf ${w}/a; ls ${w}/a`)).toMatchObject({
      stdout: 'deep\nno\n',
    });
    await other.release();
    expect(await readdir(w, { recursive: true })).toEqual(['a']);
    expect([placeholders.size, errors]).toEqual([0, []]);
  });

  it('is guarded where a file is in its way', async () => {
    const w = await workFolder();
    await writeFile(join(w, 'file'), '');
    const { prepare } = sandboxMaker();
    const rules = sandboxOf([PLATFORM, rule('write', w), rule('none', join(w, 'file/x'), true)]);
    const script = `cd ${w}; rm -f file; mv file f; mkdir -p file/x; echo x > file; ls -F`;
    expect(await runInside(await prepare(rules), script)).toMatchObject({ stdout: 'file\n' });
  });

  it('leaves what a crash would leave to the next server', async () => {
    const w = await workFolder();
    const state = await temporaryFolder();
    const old = await openFileRecords(state);
    const { prepare, workers } = sandboxMaker(old?.folder);
    const rules = sandboxOf([PLATFORM, rule('write', w), rule('none', join(w, 'no/not'), true)]);
    const made = await prepare(rules);
    expect(await readdir(w, { recursive: true })).toEqual(['no', 'no/not']);
    const records = (await readdir(old?.folder ?? '')).filter((name) => name.endsWith('.json'));
    expect(records).toHaveLength(2);
    await made.release();
    expect(await readdir(w)).toEqual([]);
    expect((await readdir(old?.folder ?? '')).filter((name) => name.endsWith('.json'))).toEqual([]);
    const placeholder = Buffer.from(join(w, 'left')).toString('base64');
    await mkdir(join(w, 'left'));
    await workers.run({ principal: '', asker: '' }, 'removePlaceholder', { placeholder });
    await workers.run({ principal: '', asker: '' }, 'removePlaceholder', { placeholder });
    expect(await readdir(w)).toEqual([]);
    await old?.close();
  });
});

describe('a rule', () => {
  it('is for what its path leads to, and the path leads there inside', async () => {
    const w = await workFolder();
    const folder = join(w, '..');
    await writeFile(join(w, 'f'), 'content');
    await symlink('w/f', join(folder, 'link'));
    await symlink(folder, join(folder, 'around'));
    const { prepare } = sandboxMaker();
    const made = await prepare(sandboxOf([PLATFORM, rule('read', join(folder, 'around/link'))]));
    const script = `cat ${folder}/around/link; ls ${folder}/w; ls -A ${folder}`;
    expect(await runInside(made, script)).toMatchObject({
      stdout: 'contentf\naround\nlink\nw\n',
    });
  });

  it('does not lead through a link that could be changed inside, unless that lets nothing more be done', async () => {
    const w = await workFolder();
    await mkdir(join(w, 'real'));
    await symlink('/etc', join(w, 'etc'));
    await symlink('real', join(w, 'link'));
    const { prepare } = sandboxMaker();
    const through = (access: 'read' | 'write' | 'none', name: string): Promise<unknown> =>
      prepare(sandboxOf([PLATFORM, rule('write', w), rule(access, join(w, name))]));
    expect(await failure(through('write', 'etc'))).toEqual(['rule', 'ELOOP']);
    expect(await failure(through('none', 'link'))).toEqual(['rule', 'ELOOP']);
    await through('write', 'link');
  });

  it('that names nothing fails, unless it may', async () => {
    const w = await workFolder();
    const { prepare } = sandboxMaker();
    const at = join(w, 'no');
    expect(await failure(prepare(sandboxOf([rule('read', at)])))).toEqual(['rule', 'ENOENT']);
    const made = await prepare(sandboxOf([PLATFORM, rule('write', at, true)]));
    expect((await runInside(made, `ls ${w}; mkdir -p ${at}`)).stdout).toBe('');
    expect(await readdir(w)).toEqual([]);
  });

  it('names what the one who is inside could reach without a sandbox', async () => {
    const w = await workFolder();
    await mkdir(join(w, 'closed/in'), { recursive: true });
    await chmod(join(w, 'closed'), 0o700);
    const { prepare } = sandboxMaker();
    const user = { name: '', uid: 65_533, gid: 65_533, groups: [65_533], home: '/', shell: '' };
    const spec = sandboxOf([rule('read', join(w, 'closed/in'))]);
    expect(await failure(prepare(spec, { user }))).toEqual(['rule', 'EACCES']);
    await prepare(spec);
  });

  it('is not about devices, or what is in /proc', async () => {
    const { prepare } = sandboxMaker();
    expect(await failure(prepare(sandboxOf([rule('write', '/dev/zero')])))).toEqual(['rule', '']);
    expect(await failure(prepare(sandboxOf([rule('read', '/proc/sys')])))).toEqual(['rule', '']);
  });
});

describe('a profile', () => {
  it('can only be narrowed', async () => {
    const w = await workFolder();
    await mkdir(join(w, 'a/b'), { recursive: true });
    const { prepare } = sandboxMaker();
    const made = await prepare(
      sandboxOf(
        [PLATFORM, rule('read', w), rule('write', join(w, 'a')), rule('write', 'temp')],
        [
          PLATFORM,
          rule('write', w),
          rule('read', join(w, 'a/b')),
          rule('read', '/etc'),
          rule('write', 'temp'),
        ],
      ),
    );
    const script = `
      cd ${w}; for at in . a a/b /tmp /etc; do { echo x > $at/new; } 2>/dev/null && echo $at; done
      ls /etc/fstab
    `;
    expect((await runInside(made, script)).stdout).toBe('a\n/tmp\n');
    expect(made.hasTemp).toBe(true);
  });

  it('that lets all be seen has its own /proc, /dev and /tmp, and not what is hidden from everyone', async () => {
    const w = await workFolder();
    await writeFile(join(w, 'state'), 'state');
    const { prepare } = sandboxMaker();
    const made = await prepare(sandboxOf([rule('write', 'root')]), { hidden: [join(w, 'state')] });
    const script = `
      cat ${w}/state; ls /proc | grep -c '^[0-9]'; ls /dev/.runlet-first
      find /sys /proc/sys -maxdepth 3 -type f -writable 2>/dev/null | wc -l
      echo x > ${w}/new
    `;
    const { stdout } = await runInside(made, script);
    const [processes, first, writable] = stdout.split('\n');
    expect(Number(processes)).toBeLessThan(10);
    expect([first, writable]).toEqual(['/dev/.runlet-first', '0']);
    expect(await readdir(w)).toEqual(['new', 'state']);
    await expect(lstat('/.runlet-first')).rejects.toThrow('ENOENT');
  });
});

describe('a prepared sandbox', () => {
  it('mounts what was looked at, or does not begin', async () => {
    const w = await workFolder();
    await mkdir(join(w, 'a'));
    const { prepare } = sandboxMaker();
    const made = await prepare(sandboxOf([PLATFORM, rule('read', join(w, 'a'))]));
    await rename(join(w, 'a'), join(w, 'b'));
    await symlink('/root', join(w, 'a'));
    const { stdout } = await runInside(made, `ls ${w}/a`);
    expect(stdout).not.toContain('.');
    expect(made.descriptors.length).toBeGreaterThan(0);
    made.closeDescriptors();
    await made.release();
    await made.release();
  });
});
