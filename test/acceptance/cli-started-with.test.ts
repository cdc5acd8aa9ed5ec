import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { resultOf, runCli } from '../support/cli.ts';
import { connectTo } from '../support/client.ts';
import { temporaryFolder } from '../support/harness.ts';
import { MAIN } from '../support/served.ts';
import { AS_LONG_AS_THE_SERVER } from '../support/shell.ts';
import { runAfter, serveAfter, startAfter } from '../support/started.ts';

const OPEN_FILES = 'ulimit -Sn; ulimit -Hn';
const LAUNCHERS = ['posix_spawn', 'child_process'] as const;

/** What a process of a server prints. */
async function printedBy(
  { address }: Awaited<ReturnType<typeof serveAfter>>,
  script: string,
): Promise<string> {
  const { stdout } = await connectTo(address).run(['sh', '-c', script]);
  return Buffer.from(stdout).toString().trimEnd();
}

/** The names of the signals that a program is started with ignoring or blocking. */
function signalsOf(status: string, which: 'SigBlk' | 'SigIgn'): readonly string[] {
  const bits = BigInt(`0x${new RegExp(`${which}:\\s+(\\w+)`).exec(status)?.[1]}`);
  const all: [string, number][] = [...Object.entries(constants.signals), ['SIGRTMIN+6', 40]];
  const names = all.filter(([, number]) => (bits & (1n << BigInt(number - 1))) !== 0n);
  return names.map(([name]) => name).sort();
}

/** Prints the state of the signals of a program that changes nothing about them. */
const SIGNALS = ['cat', '/proc/self/status'];

describe('the limit of open files', () => {
  it('is that of runlet run, through a link as npm makes it', async () => {
    const link = join(await temporaryFolder(), 'runlet');
    await symlink(MAIN, link);
    const args = ['run', '--', 'sh', '-c', OPEN_FILES];
    const { stdout } = await runAfter('ulimit -n 700; ulimit -Sn 600', args, process.env, link);
    expect(stdout.toString()).toBe('600\n700\n');
  });

  // A server that can do with it itself for a moment, and one that cannot.
  it.each([1000, 100])('is that of a server that was started with %i', async (soft) => {
    const server = await serveAfter(`ulimit -n 2000; ulimit -Sn ${soft}`);
    const client = connectTo(server.address);
    const outputs = Array.from({ length: 20 }, async () =>
      String((await client.run(['sh', '-c', OPEN_FILES])).stdout),
    );
    expect(new Set(await Promise.all(outputs))).toEqual(new Set([`${soft}\n2000\n`]));
  });

  it('is what the limits of a process say, and else stays', async () => {
    const { address } = await serveAfter('ulimit -n 2000; ulimit -Sn 1000');
    const client = connectTo(address);
    const limited = async (limits: object): Promise<string> =>
      String((await client.run(['sh', '-c', OPEN_FILES], { limits })).stdout);
    expect(await limited({ openFiles: 50 })).toBe('50\n50\n');
    expect(await limited({ coreBytes: 0 })).toBe('1000\n2000\n');
  });

  it('leaves the server its own', async () => {
    const server = await serveAfter('ulimit -n 2000; ulimit -Sn 1000');
    await printedBy(server, 'true');
    // It may not have it back yet when the process begins.
    const look = 'grep "open files  *2000  *2000 " /proc/$PPID/limits';
    const own = await printedBy(server, `until ${look}; do sleep 0.01; done`);
    expect(own).toMatch(/^Max open files +2000 +2000 /);
  });

  it('is what Node.js makes of it where that is started directly', async () => {
    const args = [MAIN, 'run', '--', 'sh', '-c', OPEN_FILES];
    const { stdout } = await runAfter('ulimit -n 700; ulimit -Sn 600', args, {}, process.execPath);
    expect(stdout.toString()).toBe('700\n700\n');
  });
});

describe.each(LAUNCHERS)('a process of the launcher %s', (launcher) => {
  it('has the umask that the server was started with', async () => {
    const server = await serveAfter('umask 0137', '--launcher', launcher);
    expect(await printedBy(server, 'umask')).toBe('0137');
  });

  it('begins with no signal blocked', async () => {
    const block = 'exec env --block-signal "$0" "$@"';
    const server = await serveAfter(block, '--launcher', launcher);
    const { stdout } = await connectTo(server.address).run(SIGNALS);
    expect(signalsOf(String(stdout), 'SigBlk')).toEqual([]);
  });
});

describe('signals that are ignored when runlet is started', () => {
  const ignoring = "trap '' HUP INT QUIT TERM USR1 PIPE ALRM CHLD; ";

  it('are ignored in the process, and no others', async () => {
    const { stdout } = await runAfter(ignoring, ['run', '--', ...SIGNALS]);
    const expected = ['SIGALRM', 'SIGHUP', 'SIGINT', 'SIGPIPE', 'SIGQUIT', 'SIGTERM', 'SIGUSR1'];
    expect(signalsOf(String(stdout), 'SigIgn')).toEqual(expected);
    const other = await runAfter('', ['run', '--', ...SIGNALS]);
    expect(signalsOf(String(other.stdout), 'SigIgn')).toEqual([]);
  });

  it('are not ignored in a process with a terminal, whose keys they are', async () => {
    const { stdout } = await runAfter(ignoring, ['run', '-t', '--', ...SIGNALS]);
    expect(signalsOf(String(stdout), 'SigIgn')).toEqual([]);
  });

  it('are not ignored in one of child_process', async () => {
    const server = await serveAfter("trap '' HUP", '--launcher', 'child_process');
    const { stdout } = await connectTo(server.address).run(SIGNALS);
    expect(signalsOf(String(stdout), 'SigIgn')).toEqual([]);
  });

  it.each(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const)(
    'do not end runlet run: %s',
    async (signal) => {
      const other = signal === 'SIGTERM' ? 'SIGINT' : 'SIGTERM';
      const program = ['sh', '-c', `echo ready; ${AS_LONG_AS_THE_SERVER}`];
      const child = startAfter(`trap '' ${signal.slice(3)}`, ['run', '--', ...program]);
      const result = once(child, 'exit');
      await once(child.stdout as Readable, 'data');
      child.kill(signal);
      child.kill(other);
      expect(await result).toEqual([null, other]);
    },
  );

  it('do not end a server', async () => {
    const { address, child } = await serveAfter("trap '' TERM HUP");
    child.kill('SIGTERM');
    child.kill('SIGHUP');
    const exited = once(child, 'exit');
    const { stdout } = await connectTo(address).run(['echo', 'there']);
    expect(String(stdout)).toBe('there\n');
    child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
  });

  it('are told by nohup also where Node.js is started directly', async () => {
    const args = [process.execPath, MAIN, 'run', '--', ...SIGNALS];
    const { stdout } = await runAfter('', args, { ...process.env, _: 'nohup' }, 'nohup');
    expect(signalsOf(String(stdout), 'SigIgn')).toEqual(['SIGHUP']);
  });
});

describe('real-time signals', () => {
  it('do not end a server, nor what it runs, which does not ignore them', async () => {
    const { address, child } = await serveAfter('');
    const client = connectTo(address);
    const session = await client.session();
    const running = await session.start({ argv: ['sh', '-c', AS_LONG_AS_THE_SERVER] });
    await client.run(['sh', '-c', 'for n in 34 40 50 64; do kill -$n $PPID; done']);
    const { stdout } = await client.run(SIGNALS);
    expect(signalsOf(String(stdout), 'SigIgn')).toEqual([]);
    expect(child.exitCode ?? child.signalCode).toBe(null);
    await running.kill('SIGKILL');
    expect((await running.exited).signal).toBe('SIGKILL');
  });

  it('stay ignored where they were at the start', async () => {
    const { stdout } = await runAfter("trap '' 40", ['run', '--', ...SIGNALS]);
    expect(signalsOf(String(stdout), 'SigIgn')).toEqual(['SIGRTMIN+6']);
  });
});

describe('the variables of a process that runlet run starts', () => {
  it('are all there, whatever their names', async () => {
    const variables = ['PATH', 'PWD'].map((name) => [name, process.env[name] ?? '/']);
    const odd = [
      ['a.b', 'c\nD=1'],
      ['BASH_FUNC_f%%', '() { :; }'],
      ['é', 'ü'],
    ];
    const env = Object.fromEntries([...variables, ...odd]);
    const args = ['run', '--', 'cat', '/proc/self/environ'];
    const { stdout } = await resultOf(spawn(MAIN, args, { env }));
    const had = stdout
      .toString()
      .split('\0')
      .filter((text) => text !== '');
    const expected = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    expect(had.sort()).toEqual(expected.sort());
  });

  it('are not replaced by those that were told to another program', async () => {
    const told = { RUNLET_STARTED_WITH: `1:100:1:${Buffer.from('a.b=c').toString('base64')}` };
    const env = { ...process.env, ...told };
    const { stdout } = await runCli(['run', '--', 'sh', '-c', 'ulimit -Sn; env'], '', { env });
    expect(stdout.toString()).not.toMatch(/^a\.b=/m);
    expect(stdout.toString()).not.toMatch(/^100\n/);
  });
});
