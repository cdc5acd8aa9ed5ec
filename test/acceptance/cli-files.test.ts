import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import {
  chmod,
  lutimes,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MAIN, resultOf } from '../support/cli.ts';
import { type CliUser, cliUser, jsonLines } from '../support/cli-user.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';
import { CAN_SERVE_AS_ORDINARY_USER, ORDINARY_USER } from '../support/ordinary-user.ts';
import { serveAs } from '../support/served.ts';
import { startProxy } from '../support/tcp-proxy.ts';

const TIME = new Date('2001-02-03T04:05:06Z');

/** Somebody with a server, and a folder that is taken for the server's. */
interface Lister extends CliUser {
  readonly there: string;
  /** Runs `runlet files`, and returns what it printed, which has to be no complaint. */
  files(...args: readonly string[]): Promise<string>;
  /** The same for one that fails: its exit code and what it said. */
  refused(...args: readonly string[]): Promise<readonly [number | null, string]>;
}

async function lister(): Promise<Lister> {
  const { address } = await serveHere();
  const user = await cliUser(address);
  return {
    ...user,
    there: await temporaryFolder(),
    files: (...args) => user.print('files', ...args),
    refused: async (...args) => {
      const { code, stderr } = await user.run(['files', ...args]);
      return [code, stderr];
    },
  };
}

describe('runlet files ls', () => {
  it('sorts by the bytes of names, and leaves out what begins with a dot', async () => {
    const user = await lister();
    for (const name of ['b', 'a', 'B', 'é', '.x']) await writeFile(join(user.there, name), '');
    expect(await user.files('ls', user.there)).toBe('B\na\nb\né\n');
    expect(await user.files('ls', '-a', `:${user.there}`)).toBe('.x\nB\na\nb\né\n');
    expect(await user.files('ls', join(user.there, 'a'))).toBe(`${user.there}/a\n`);
    expect(await user.files('ls', '-d', user.there)).toBe(`${user.there}\n`);
  });

  it('shows kind, mode, owner, size and time with -l, aligned', async () => {
    const user = await lister();
    await writeFile(join(user.there, 'file'), 'x'.repeat(1234));
    await chmod(join(user.there, 'file'), 0o4755);
    await mkdir(join(user.there, 'sub'));
    await chmod(join(user.there, 'sub'), 0o1777);
    await symlink('file', join(user.there, 'to'));
    for (const name of ['file', 'sub']) await utimes(join(user.there, name), TIME, TIME);
    await lutimes(join(user.there, 'to'), TIME, TIME);
    const env = { ...user.env, TZ: 'UTC' };
    const child = user.spawn(['files', 'ls', '-l', user.there], { env });
    const { stdout } = await resultOf(child);
    const { size } = await stat(join(user.there, 'sub'));
    const who = String.raw`\S+ +\S+`;
    expect(stdout.toString().split('\n')).toEqual([
      expect.stringMatching(new RegExp(`^-rwsr-xr-x 1 ${who} 1234 2001-02-03 04:05 file$`)),
      expect.stringMatching(
        new RegExp(`^drwxrwxrwt 2 ${who} ${String(size).padStart(4)} 2001-02-03 04:05 sub$`),
      ),
      expect.stringMatching(new RegExp(`^lrwxrwxrwx 1 ${who}    4 2001-02-03 04:05 to -> file$`)),
      '',
    ]);
  });

  it('goes into folders with -R, and into no links', async () => {
    const user = await lister();
    await mkdir(join(user.there, 'a', 'b'), { recursive: true });
    await writeFile(join(user.there, 'a', 'b', 'file'), '');
    await mkdir(join(user.there, 'c'));
    await symlink('..', join(user.there, 'c', 'up'));
    const at = user.there;
    expect(await user.files('ls', '-R', at)).toBe(
      `${at}:\na\nc\n\n${at}/a:\nb\n\n${at}/a/b:\nfile\n\n${at}/c:\nup\n`,
    );
    const lines = jsonLines(await user.files('ls', '-R', '--json', at));
    expect(lines.map(({ kind, path }) => [path, kind])).toEqual([
      [`${at}/a`, 'directory'],
      [`${at}/c`, 'directory'],
      [`${at}/a/b`, 'directory'],
      [`${at}/a/b/file`, 'regular'],
      [`${at}/c/up`, 'symlink'],
    ]);
  });

  it('passes on names as they are, but for a terminal', async () => {
    const user = await lister();
    const name = Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0x0a, 0xff, 0x61]);
    await writeFile(Buffer.concat([Buffer.from(`${user.there}/`), name]), '');
    const { stdout } = await user.run(['files', 'ls', user.there]);
    expect(stdout).toEqual(Buffer.concat([name, Buffer.from('\n')]));
    // What runs there is told nothing of how it was reached.
    const script = 'exec "$0" "$1" files ls --address "$2" "$3"';
    const words = [process.execPath, MAIN, user.env['RUNLET_ADDRESS'] ?? '', user.there];
    const shown = await user.run(['run', '-t', '--', 'sh', '-c', script, ...words]);
    expect(shown.stdout.toString()).toBe('\\u{1b}[2J\\u{a}\ufffda\r\n');
    const [line] = jsonLines(await user.files('ls', '--json', user.there));
    expect(Buffer.from(String(line?.['rawPath']), 'base64').subarray(-name.length)).toEqual(name);
  });

  it('goes on with the others where one is not there', async () => {
    const user = await lister();
    await writeFile(join(user.there, 'file'), '');
    const { code, stderr, stdout } = await user.run([
      ...['files', 'ls', `${user.there}/none`, `${user.there}/file`],
    ]);
    expect([code, stderr, stdout.toString()]).toEqual([
      1,
      `runlet: cannot look at '${user.there}/none': no such file or directory (FILE_NOT_FOUND)\n`,
      `${user.there}/file\n`,
    ]);
  });
});

describe('runlet files cat', () => {
  it('prints files one after the other, also those without a size', async () => {
    const user = await lister();
    await writeFile(join(user.there, 'a'), 'one\n');
    await writeFile(join(user.there, 'b'), 'two');
    expect(await user.files('cat', join(user.there, 'a'), join(user.there, 'b'))).toBe('one\ntwo');
    expect(await user.files('cat', '/proc/self/status')).toMatch(/^Name:/);
  });

  it('says what it cannot read', async () => {
    const user = await lister();
    expect(await user.refused('cat', user.there)).toEqual([
      1,
      expect.stringMatching(/^runlet: cannot read '.*': .*directory \(IS_A_DIRECTORY\)\n$/),
    ]);
    expect(await user.refused('cat', '/dev/zero')).toEqual([
      1,
      expect.stringMatching(/^runlet: cannot read '\/dev\/zero': .* \(NOT_A_REGULAR_FILE\)\n$/),
    ]);
  });
});

describe('runlet files stat', () => {
  it('tells of a link, or with -L of what it leads to', async () => {
    const user = await lister();
    await writeFile(join(user.there, 'file'), 'four');
    await chmod(join(user.there, 'file'), 0o640);
    await utimes(join(user.there, 'file'), TIME, TIME);
    await symlink('file', join(user.there, 'link'));
    const link = await user.files('stat', join(user.there, 'link'));
    expect(link).toMatch(/^kind {6}symlink\n(?:.*\n)*leads to {2}file\n/m);
    const [file] = jsonLines(await user.files('stat', '-L', '--json', join(user.there, 'link')));
    expect(file).toMatchObject({
      path: join(user.there, 'link'),
      rawPath: null,
      kind: 'regular',
      size: 4,
      mode: '0640',
      modifyTime: TIME.toISOString(),
      linkTarget: null,
      version: expect.stringMatching(/./),
    });
  });
});

describe('runlet files mkdir, mv and rm', () => {
  it('make, move and remove, and want to be asked for what is dangerous', async () => {
    const user = await lister();
    const at = (name: string): string => join(user.there, name);
    expect(await user.files('mkdir', '-p', '-m', '0700', at('a/b'))).toBe('');
    expect((await stat(at('a/b'))).mode & 0o7777).toBe(0o700);
    expect(await user.refused('mkdir', at('a'))).toEqual([
      1,
      `runlet: cannot make folder '${at('a')}': file already exists (FILE_EXISTS)\n`,
    ]);
    await writeFile(at('file'), 'one');
    await writeFile(at('a/file'), 'other');
    expect(await user.refused('mv', '-n', at('file'), at('a'))).toEqual([
      1,
      expect.stringMatching(/^runlet: cannot move '.*\/file'.*\(FILE_EXISTS\)\n$/),
    ]);
    expect(await user.files('mv', at('file'), at('a'))).toBe('');
    expect(await readFile(at('a/file'), 'utf8')).toBe('one');
    expect(await user.refused('rm', at('a'))).toEqual([
      1,
      `runlet: cannot remove '${at('a')}': directory not empty (DIRECTORY_NOT_EMPTY)\n`,
    ]);
    expect(await user.refused('rm', at('none'))).toEqual([
      1,
      `runlet: cannot remove '${at('none')}': no such file or directory (FILE_NOT_FOUND)\n`,
    ]);
    expect(await user.files('rm', '-rf', at('none'), at('a'))).toBe('');
    expect(await readdir(user.there)).toEqual([]);
  });

  it('remove a link, and nothing that it leads to', async () => {
    const user = await lister();
    await mkdir(join(user.there, 'real'));
    await writeFile(join(user.there, 'real', 'file'), '');
    await symlink('real', join(user.there, 'link'));
    await user.files('rm', '-r', join(user.there, 'link'));
    expect(await readdir(user.there)).toEqual(['real']);
    expect(await readdir(join(user.there, 'real'))).toEqual(['file']);
  });
});

describe('runlet files watch', () => {
  it('tells what happens until it is ended, and dies of the signal', async () => {
    const user = await lister();
    const child = user.spawn(['files', 'watch', '-r', '--json', user.there]);
    const ended = once(child, 'close');
    if (child.stdout === null) throw new Error('it has no standard output');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
    expect(await next()).toEqual({ kind: 'started' });
    await mkdir(join(user.there, 'sub'));
    expect(await next()).toMatchObject({ kind: 'created', path: `${user.there}/sub` });
    // At once for the server, which is in this process: it may read a half of it otherwise.
    renameSync(join(user.there, 'sub'), join(user.there, 'other'));
    expect(await next()).toMatchObject({
      kind: 'moved',
      path: `${user.there}/other`,
      fromPath: `${user.there}/sub`,
    });
    await rm(join(user.there, 'other'), { recursive: true });
    expect(await next()).toMatchObject({ kind: 'removed', path: `${user.there}/other` });
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
  });

  it('says when it begins', async () => {
    const user = await lister();
    const child = user.spawn(['files', 'watch', user.there]);
    const ended = resultOf(child);
    const [said] = (await once(child.stderr as NodeJS.ReadableStream, 'data')) as [Buffer];
    expect(said.toString()).toBe(`runlet: watching '${user.there}'\n`);
    await writeFile(join(user.there, 'file'), '');
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGTERM');
    expect((await ended).stdout.toString()).toMatch(
      new RegExp(`^created ${user.there}/file\n(?:modified|attributes)?`),
    );
  });

  it('says that changes may have been missed where the connection broke', async () => {
    const { address } = await serveHere();
    const proxy = await startProxy(address);
    const user = await cliUser(proxy.address);
    const there = await temporaryFolder();
    const child = user.spawn(['files', 'watch', '-q', there]);
    const ended = resultOf(child);
    const shown = once(child.stdout as NodeJS.ReadableStream, 'data');
    // Until it is watched nothing is told: whatever is made before that is looked for by nobody.
    const making = setInterval(() => writeFileSync(join(there, 'file'), ''), 20);
    onTestFinished(() => clearInterval(making));
    await shown;
    clearInterval(making);
    const told = once(child.stderr as NodeJS.ReadableStream, 'data');
    proxy.cut();
    const [said] = (await told) as [Buffer];
    expect(said.toString()).toBe(
      'runlet: some changes were missed: what is in the folder may be other than what was told\n',
    );
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGINT' });
  });
});

describe('what cannot be looked at', () => {
  it.skipIf(!CAN_SERVE_AS_ORDINARY_USER || ORDINARY_USER === undefined)(
    'is said, and the rest is listed',
    async () => {
      const { address } = await serveAs(ORDINARY_USER);
      const user = await cliUser(address);
      const there = await temporaryFolder();
      await writeFile(join(there, 'file'), '');
      // One may know the names in it, and no more.
      await chmod(there, 0o744);
      const { code, stderr } = await user.run(['files', 'ls', there]);
      expect([code, stderr]).toEqual([
        1,
        `runlet: cannot look at '${there}/file': permission denied (FILE_ACCESS_DENIED)\n`,
      ]);
    },
  );
});
