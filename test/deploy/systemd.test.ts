import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveCommand } from '../../src/cli/serve.ts';
import { connectTo } from '../support/client.ts';
import { firstLineOf } from '../support/first-line.ts';
import { temporaryFolder } from '../support/harness.ts';
import { hasTool } from '../support/needed-tools.ts';
import { receiveNotices } from '../support/notices.ts';
import { endsWithTest } from '../support/service.ts';

const run = promisify(execFile);

const FOLDER = fileURLToPath(new URL('../../deploy/systemd/', import.meta.url));

const UNITS = ['runlet.service', 'runlet.socket'] as const;

/** Of the system itself, which the units need to be there. */
const SYSTEM_UNITS = '/usr/lib/systemd/system';
const NEEDED_UNITS = ['basic', 'multi-user', 'network', 'shutdown', 'sockets', 'sysinit'].map(
  (name) => `${name}.target`,
);

/** How exposed `systemd-analyze security` may say that it is, of 100: what is left out has its reasons. */
const MAX_EXPOSURE = 90;

/** Where all of it is laid out. */
let root = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'runlet-test-'));
  await run(join(FOLDER, 'install.sh'), [root]);
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** The lines of a unit that say something, as a name and a value each. */
async function directivesOf(unit: string): Promise<readonly (readonly [string, string])[]> {
  const text = await readFile(join(FOLDER, unit), 'utf8');
  const found = text.matchAll(/^(?<name>[A-Z]\w+)=(?<value>.*)$/gm);
  return Array.from(found, ({ groups }) => [groups?.['name'] ?? '', groups?.['value'] ?? '']);
}

async function directive(unit: string, name: string): Promise<string> {
  const all = await directivesOf(unit);
  return all.find(([found]) => found === name)?.[1] ?? '';
}

describe('what is laid out for systemd', () => {
  it('is where Debian has such files', async () => {
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
    expect(files.filter((path) => !/^usr\/lib\/runlet\/|\/man1\//.test(path)).sort()).toEqual(
      [
        'etc',
        'etc/default',
        'etc/default/runlet',
        'usr',
        'usr/bin',
        'usr/bin/runlet',
        'usr/lib',
        'usr/lib/runlet',
        'usr/lib/systemd',
        'usr/lib/systemd/system',
        'usr/lib/systemd/system/runlet.service',
        'usr/lib/systemd/system/runlet.socket',
        'usr/lib/sysusers.d',
        'usr/lib/sysusers.d/runlet.conf',
        'usr/lib/tmpfiles.d',
        'usr/lib/tmpfiles.d/runlet.conf',
        'usr/share',
        'usr/share/doc',
        'usr/share/doc/runlet',
        'usr/share/doc/runlet/CHANGELOG.md',
        'usr/share/doc/runlet/README.md',
        'usr/share/doc/runlet/copyright',
        'usr/share/man',
        'usr/share/man/man1',
      ].sort(),
    );
    expect(files).toContain('usr/share/man/man1/runlet-serve.1.gz');
    for (const path of files) {
      // Nobody may change what root runs.
      expect((await stat(join(root, path))).mode & 0o022, path).toBe(0);
    }
  });

  it('is a program that runs, and starts processes as well as it can', async () => {
    const main = join(root, 'usr/bin/runlet');
    const env = { ...process.env, XDG_STATE_HOME: await temporaryFolder() };
    const { stdout } = await run(main, ['run', '--', 'echo', 'here'], { env });
    expect(stdout).toBe('here\n');
  });

  it('keeps what the operator has written where it is laid out again', async () => {
    const path = join(root, 'etc/default/runlet');
    const before = await readFile(path, 'utf8');
    await writeFile(path, 'RUNLET_OPTIONS=--auth=peer\n');
    await run(join(FOLDER, 'install.sh'), [root]);
    expect(await readFile(path, 'utf8')).toBe('RUNLET_OPTIONS=--auth=peer\n');
    await writeFile(path, before);
  });

  it('is a service that is ready when it is started as its unit says', async () => {
    const receiver = await receiveNotices();
    const folder = await temporaryFolder();
    const line = (await directive('runlet.service', 'ExecStart'))
      .replace('/usr/bin', join(root, 'usr/bin'))
      .replace('/run/runlet', folder)
      .replace('/var/lib/runlet', folder)
      .replace(' $RUNLET_OPTIONS', '');
    const [program = '', ...args] = line.split(' ');
    const child = spawn(program, args, {
      env: { ...process.env, NOTIFY_SOCKET: receiver.where },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    endsWithTest(child);
    const path = join(folder, 'runlet.sock');
    expect(await firstLineOf(child)).toBe(`runlet listening on unix:${path}`);
    expect(await receiver.next()).toMatchObject({ pid: child.pid, notice: { READY: '1' } });
    const { capabilities } = await connectTo({ kind: 'unix', path }).info();
    if (existsSync(join(root, 'usr/lib/runlet/node_modules/koffi'))) {
      expect(capabilities.launcher).toBe('posix_spawn');
    }
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('listens at one address with the socket of systemd and without', async () => {
    const start = await directive('runlet.service', 'ExecStart');
    expect(start).toContain(`--listen unix:${await directive('runlet.socket', 'ListenStream')} `);
  });

  it('says nothing in /etc/default/runlet that the server does not know', async () => {
    const text = await readFile(join(FOLDER, 'runlet.default'), 'utf8');
    const known = serveCommand().options.map(({ long }) => long);
    const flags = text.match(/(?<=[" ])--[a-z-]+/g) ?? [];
    expect(flags.length).toBeGreaterThan(5);
    for (const flag of flags) expect(known).toContain(flag);
  });

  it('is told, line by line, what it is for', async () => {
    const text = await readFile(join(FOLDER, 'README.md'), 'utf8');
    const items = text.slice(0, text.indexOf('## What is left out')).matchAll(/^- (`[^:]*):/gm);
    const told = Array.from(items).flatMap(([, names = '']) =>
      Array.from(names.matchAll(/`(\w+)=/g), ([, name = '']) => name),
    );
    const said = (await Promise.all(UNITS.map(directivesOf))).flat().map(([name]) => name);
    expect([...new Set(told)].sort()).toEqual([...new Set(said)].sort());
  });
});

describe.skipIf(!hasTool('systemd-analyze', '--version'))('what systemd says of it', () => {
  /** The same with what the units need of the system. */
  let system = '';
  beforeAll(async () => {
    system = await mkdtemp(join(tmpdir(), 'runlet-test-'));
    await cp(root, system, { recursive: true, verbatimSymlinks: true });
    const units = join(system, 'usr/lib/systemd/system');
    for (const unit of NEEDED_UNITS) await cp(join(SYSTEM_UNITS, unit), join(units, unit));
    // Debian has one folder of programs.
    await symlink('usr/bin', join(system, 'bin'));
    await cp('/bin/kill', join(system, 'usr/bin/kill'));
  });
  afterAll(async () => {
    await rm(system, { recursive: true, force: true });
  });

  it('is nothing against the units', async () => {
    const args = ['verify', '--man=no', '--recursive-errors=yes', `--root=${system}`, ...UNITS];
    expect(await run('systemd-analyze', args)).toEqual({ stdout: '', stderr: '' });
  });

  it('is something against one that is wrong', async () => {
    const unit = join(system, 'usr/lib/systemd/system/wrong.service');
    const text = await readFile(join(FOLDER, 'runlet.service'), 'utf8');
    await writeFile(unit, text.replace('KillMode=mixed', 'KillMode=some'));
    const args = ['verify', '--man=no', `--root=${system}`, 'wrong.service'];
    const { stderr } = await run('systemd-analyze', args);
    expect(stderr).toContain('Failed to parse kill mode specification');
    await rm(unit);
  });

  it('is how exposed it is', async (context) => {
    const args = ['security', '--offline=yes', '--no-pager', `--root=${system}`];
    const threshold = `--threshold=${MAX_EXPOSURE}`;
    const { stdout } = await run('systemd-analyze', [...args, threshold, 'runlet.service']);
    context.annotate(/Overall exposure.*/.exec(stdout)?.[0] ?? 'it is not told');
    // What the unit does say is understood.
    for (const name of ['SYS_MODULE', 'SYS_RAWIO', 'SYS_BOOT', 'SYSLOG', 'WAKE_ALARM']) {
      expect(stdout).toMatch(new RegExp(`✓ CapabilityBoundingSet=~CAP_${name}`));
    }
  });

  it('is a user of its own, who has a shell and cannot log in', async () => {
    const passwd = join(system, 'etc/passwd');
    const { stderr } = await run('systemd-sysusers', [`--root=${system}`, '--dry-run']);
    expect(stderr).toMatch(/^Creating user 'runlet' /m);
    expect(existsSync(passwd)).toBe(false);
    if (process.getuid?.() !== 0) return;
    await run('systemd-sysusers', [`--root=${system}`]);
    expect(await readFile(passwd, 'utf8')).toMatch(
      /^runlet:x:\d+:\d+:runlet:\/var\/lib\/runlet:\/bin\/sh$/m,
    );
    expect(await readFile(join(system, 'etc/shadow'), 'utf8')).toMatch(/^runlet:!\*:/m);
  });

  it.skipIf(process.getuid?.() !== 0)('is folders of that user', async () => {
    await run('systemd-sysusers', [`--root=${system}`]);
    await run('systemd-tmpfiles', [`--root=${system}`, '--create', 'runlet.conf']);
    const passwd = await readFile(join(system, 'etc/passwd'), 'utf8');
    const uid = Number(/^runlet:x:(\d+):/m.exec(passwd)?.[1]);
    for (const [path, mode] of [
      ['run/runlet', 0o755],
      ['var/lib/runlet', 0o700],
    ] as const) {
      const found = await stat(join(system, path));
      expect([found.uid, found.mode & 0o777]).toEqual([uid, mode]);
    }
  });

  it('is that the folders of running servers stay while /tmp is cleaned', async () => {
    const folders = ['runlet-1000', 'runlet-run-abc', 'another'].map((name) =>
      join(system, 'tmp', name),
    );
    for (const folder of folders) await mkdir(folder, { recursive: true });
    // However new they are.
    await writeFile(join(system, 'usr/lib/tmpfiles.d/tmp.conf'), 'd /tmp 1777 - - 0\n');
    await run('systemd-tmpfiles', [`--root=${system}`, '--clean']);
    expect(folders.map((folder) => existsSync(folder))).toEqual([true, true, false]);
  });
});
