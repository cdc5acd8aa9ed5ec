import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync, statSync } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { RunletError } from '../../../src/errors.ts';
import type { LaunchedProcess, LaunchRequest } from '../../../src/process/launcher.ts';
import { posixSpawnLauncher } from '../../../src/process/native/posix-spawn-launcher.ts';
import { ProcessTree } from '../../../src/process/process-tree.ts';
import { FIRST_PREPARED_DESCRIPTOR } from '../../../src/sandbox/prepared-sandbox.ts';
import { openedSince, ownDescriptors } from '../../support/descriptors.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { hasBwrap, sandboxLaunch } from '../../support/sandbox.ts';
import { PATH } from '../../support/shell.ts';

const launcher = posixSpawnLauncher();

function requestOf(script: string, more: Partial<LaunchRequest> = {}): LaunchRequest {
  return {
    program: '/bin/sh',
    arg0: 'sh',
    args: ['-c', script],
    cwd: '/',
    env: new Map([['PATH', PATH]]),
    stdin: 'closed',
    terminal: undefined,
    mergeStderr: false,
    limits: undefined,
    sandbox: sandboxLaunch(),
    ...more,
  };
}

async function textOf(stream: Readable | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString();
}

/** All of a script, to its end. */
async function run(script: string, more: Partial<LaunchRequest> = {}) {
  const launched = await launcher.launch(requestOf(script, more));
  launched.stdin?.end('from stdin');
  const [stdout, stderr, end] = await Promise.all([
    textOf(launched.output.stdout ?? launched.output.terminal),
    textOf(launched.output.stderr),
    launched.exited,
  ]);
  launched.kin?.release();
  return { ...launched, ...end, stdout, stderr };
}

/** Launches, and waits for its first output. */
async function ready(script: string, more: Partial<LaunchRequest> = {}): Promise<LaunchedProcess> {
  const launched = await launcher.launch(requestOf(script, more));
  const { stderr, stdout, terminal } = launched.output;
  stderr?.resume();
  const first = stdout ?? terminal;
  if (first === undefined) throw new Error('it has no output');
  await once(first, 'data');
  first.resume();
  return launched;
}

async function failureOf(launch: Promise<unknown>) {
  const error = await launch.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof RunletError ? error.details : error;
}

/** The processes of this machine that are below a process, which is one. */
function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

describe.skipIf(!hasBwrap)('a process in a sandbox', () => {
  it('has its folder, name, arguments and environment alone, and is told what it is in', async () => {
    const script =
      'pwd; echo "$0 $1"; /usr/bin/env | grep -v -e ^PWD -e ^_ -e ^SHLVL -e ^OLDPWD; cat';
    const result = await run('', {
      args: ['-c', script, 'name', 'arg\u{dcff}'],
      cwd: '/usr/lib',
      env: new Map([['ONLY', 'this']]),
      stdin: 'pipe',
    });
    expect(result.stdout).toBe('/usr/lib\nname arg\u{fffd}\nONLY=this\nfrom stdin');
    expect(result.sandbox).toBe('bubblewrap');
    expect(result.status).toEqual({ code: 0 });
  });

  it('has three descriptors, and no signal blocked nor ignored', async () => {
    const held = openSync('/usr', constants.O_RDONLY);
    const sandbox = sandboxLaunch({
      descriptors: [held],
      more: ['--ro-bind', `/proc/self/fd/${FIRST_PREPARED_DESCRIPTOR}`, '/held'],
    });
    const script = 'ls -v /proc/self/fd; grep -E "^Sig(Blk|Ign):" /proc/self/status; ls -d /held/*';
    const { stdout } = await run(script, { sandbox });
    closeSync(held);
    expect(stdout).toMatch(
      /^0\n1\n2\n3\nSigBlk:\t0{16}\nSigIgn:\t0{16}\n(?:\/held\/.*\n)*\/held\/bin\n/,
    );
  });

  it('is a leader of a session and a group of its own, and no signal reaches what made it', async () => {
    const launched = await ready('ps -o pid=,sid=,pgid= -p $$; exec sleep 1000');
    const stat = readFileSync(`/proc/${launched.pid}/stat`, 'latin1').split(') ')[1]?.split(' ');
    expect(stat?.slice(2, 4)).toEqual([String(launched.pid), String(launched.pid)]);
    const first = parentOf(launched.pid);
    const monitor = parentOf(first);
    for (const signal of [1, 2, 3, 15, 20, 10]) {
      process.kill(first, signal);
      process.kill(monitor, signal);
    }
    process.kill(launched.pid, 'SIGTERM');
    expect((await launched.exited).status).toEqual({ signal: 15 });
    launched.kin?.release();
  });

  it.each([
    ['exit 0', { code: 0 }],
    ['exit 137', { code: 137 }],
    ['kill -9 $$', { signal: 9 }],
    ['kill -11 $$', { signal: 11 }],
    ['kill -64 $$', { signal: 64 }],
    ['kill -1 $$', { signal: 1 }],
  ])('leaves its status: %s', async (script, status) => {
    expect((await run(script)).status).toEqual(status);
  });

  it('leaves the usage that the kernel knows, without that of what made the sandbox', async () => {
    const small = await run(':');
    expect(small.usage?.peakResidentBytes).toBeGreaterThan(100_000);
    expect(small.usage?.peakResidentBytes).toBeLessThan(20_000_000);
    const large = await run('head -c 100000000 /dev/zero | tail -n 1 | wc -c');
    expect(large.usage?.peakResidentBytes).toBeGreaterThan(100_000_000);
    expect((large.usage?.userMs ?? 0) + (large.usage?.systemMs ?? 0)).toBeGreaterThan(0);
  });

  it('writes both to one pipe if it is to', async () => {
    const { stdout } = await run('echo a; echo b >&2; echo c', { mergeStderr: true });
    expect(stdout).toBe('a\nb\nc\n');
  });

  it('closes its pipes when it closed them, though the sandbox stays', async () => {
    const launched = await launcher.launch(
      requestOf('exec > /dev/null 2>&1; exec sleep 1000', { stdin: 'pipe' }),
    );
    expect(await textOf(launched.output.stdout)).toBe('');
    expect(await textOf(launched.output.stderr)).toBe('');
    launched.kin?.kill?.();
    expect((await launched.exited).status).toEqual({ signal: 9 });
    launched.kin?.release();
  });

  it('is limited, and what made its sandbox is not', async () => {
    const limits = { openFiles: 17, fileBytes: 4096, cpuSeconds: 100 };
    const { stdout } = await run('ulimit -n; ulimit -Hn; ulimit -f; ulimit -t', { limits });
    expect(stdout).toBe('17\n17\n8\n100\n');
    const little = { openFiles: 5 };
    expect((await run('ulimit -n', { limits: little })).stdout).toBe('5\n');
  });

  it('has a terminal of its own, which is that of its session', async () => {
    const { output, pid, resize, stdin, exited, kin } = await launcher.launch(
      requestOf(
        'trap "stty size; echo got" WINCH; stty size < /dev/tty; echo ready; while :; do read line; echo "<$line>"; [ "$line" = end ] && exit 3; done',
        { terminal: { columns: 81, rows: 23 } },
      ),
    );
    let text = '';
    output.terminal?.on('data', (data: Buffer) => {
      text += data.toString();
    });
    await vi.waitFor(() => expect(text).toContain('23 81\r\nready'), 60_000);
    expect(pid).toBeGreaterThan(0);
    resize?.({ columns: 100, rows: 40 });
    await vi.waitFor(() => expect(text).toContain('40 100\r\ngot'), 60_000);
    stdin?.write('end\n');
    expect((await exited).status).toEqual({ code: 3 });
    expect(text).toContain('<end>');
    kin?.release();
  });

  it('gets the signals of its terminal, which its sandbox outlives', async () => {
    const { exited, kin, output, stdin } = await launcher.launch(
      requestOf('echo ready; exec cat', { terminal: { columns: 80, rows: 24 } }),
    );
    let text = '';
    output.terminal?.on('data', (data: Buffer) => {
      text += data.toString();
    });
    await vi.waitFor(() => expect(text).toContain('ready'), 60_000);
    stdin?.write('\x03');
    expect((await exited).status).toEqual({ signal: 2 });
    kin?.release();
  });
});

describe.skipIf(!hasBwrap)('a start in a sandbox that fails', () => {
  it.each([
    ['CWD', 'ENOENT', { cwd: '/home' }],
    ['PROGRAM', 'ENOENT', { program: '/home/none' }],
    ['PROGRAM', 'EACCES', { program: '/usr' }],
    ['PROGRAM', 'EACCES', { program: '/usr/lib/os-release' }],
    ['SPAWN', 'E2BIG', { args: Array.from({ length: 100 }, () => 'a'.repeat(100_000)) }],
  ] as const)('says at which stage: %s, %s', async (stage, errnoName, more) => {
    const before = ownDescriptors();
    const sandbox = sandboxLaunch();
    expect(await failureOf(launcher.launch(requestOf(':', { ...more, sandbox })))).toMatchObject({
      startFailure: { stage, errnoName },
    });
    expect(sandbox.released()).toBe(1);
    await vi.waitFor(() => expect(openedSince(before)).toEqual([]), 60_000);
  });

  it.each([
    ['files', 'ENOENT', { more: ['--ro-bind', '/no/such/place', '/a'] }],
    ['mechanism', '', { more: ['--no-such-option'] }],
    ['mechanism', 'ENOENT', { program: '/no/such/bwrap' }],
    ['mechanism', '', { program: '/bin/false' }],
  ] as const)(
    'as its sandbox cannot be made tells the step: %s, %s',
    async (step, errno, wanted) => {
      const before = ownDescriptors();
      const folder = await temporaryFolder();
      const sandbox = sandboxLaunch({
        ...wanted,
        more: ['--bind', folder, '/made', ...('more' in wanted ? wanted.more : [])],
      });
      const failure = await failureOf(launcher.launch(requestOf(': > /made/it', { sandbox })));
      expect(failure).toMatchObject({
        startFailure: { stage: 'SANDBOX', errnoName: errno },
        sandboxFailure: { step, errnoName: errno },
      });
      await expect(access(join(folder, 'it'))).rejects.toThrow();
      expect(sandbox.released()).toBe(1);
      await vi.waitFor(() => expect(openedSince(before)).toEqual([]), 60_000);
    },
  );

  it('as nobody wants it any more leaves nothing', async () => {
    const folder = await temporaryFolder();
    const stuck = join(folder, 'bwrap');
    // As one that hangs before the sandbox stands.
    await writeFile(stuck, `#!/bin/sh\necho $$ > ${folder}/pid\nsleep 1000 & wait\n`, {
      mode: 0o755,
    });
    const before = ownDescriptors();
    const sandbox = sandboxLaunch({ program: stuck });
    const abort = new AbortController();
    const launch = failureOf(launcher.launch(requestOf(':', { sandbox, signal: abort.signal })));
    const pid = await vi.waitFor(() => {
      const text = readFileSync(join(folder, 'pid'), 'latin1');
      expect(text).toMatch(/\n/);
      return Number(text);
    }, 60_000);
    abort.abort(new Error('enough'));
    expect(await launch).toEqual(new Error('enough'));
    expect(() => process.kill(pid, 0)).toThrow();
    expect(sandbox.released()).toBe(1);
    await vi.waitFor(() => expect(openedSince(before)).toEqual([]), 60_000);
  });
});

describe.skipIf(!hasBwrap)('what came of a process in a sandbox', () => {
  const DAEMON =
    'setsid sh -c \'trap : TERM; (setsid sh -c "trap : TERM; echo up; while :; do sleep 1000 & wait; done" &) ; exit 0\'; exit 4';

  it('is found, and ends with it', async () => {
    const sandbox = sandboxLaunch();
    const launched = await ready(DAEMON, { sandbox });
    expect((await launched.exited).status).toEqual({ code: 4 });
    const tree = new ProcessTree(launched.pid, () => launched.reaped(), launched.kin);
    expect(launched.reaped()).toBe(true);
    expect(await tree.hasMembers('tree')).toBe(true);
    expect(await tree.hasMembers('group')).toBe(false);
    expect(sandbox.released()).toBe(0);
    expect(tree.signal(15)).toBe('sent');
    expect(await tree.hasMembers('tree')).toBe(true);
    tree.signal(9);
    await vi.waitFor(async () => expect(await tree.hasMembers('tree')).toBe(false), 60_000);
    await vi.waitFor(() => expect(sandbox.released()).toBe(1), 60_000);
    tree.release();
  });

  it('is nothing when nothing is left, though the sandbox is not over at once', async () => {
    const launched = await ready('echo');
    await launched.exited;
    const tree = new ProcessTree(launched.pid, () => launched.reaped(), launched.kin);
    expect(await tree.hasMembers('tree')).toBe(false);
    expect(tree.signal(15)).toBe('gone');
    tree.release();
  });

  it('ends at once when it forks without end, and its own end is told', async () => {
    const sandbox = sandboxLaunch();
    const launched = await ready(
      'f() { while :; do sleep 0.01 & sh -c : & wait $!; done; }; f & f & echo; trap : TERM; while :; do wait; done',
      { sandbox },
    );
    const tree = new ProcessTree(launched.pid, () => launched.reaped(), launched.kin);
    await tree.collect();
    tree.signal(9);
    const { status, usage } = await launched.exited;
    expect(status).toEqual({ signal: 9 });
    expect(usage).toBeDefined();
    await vi.waitFor(() => expect(sandbox.released()).toBe(1), 60_000);
    expect(await tree.hasMembers('tree')).toBe(false);
    tree.release();
  });
});

describe.skipIf(!hasBwrap)('a sandbox that somebody else kills', () => {
  it('by its first process ends with it, by SIGKILL', async () => {
    const sandbox = sandboxLaunch();
    const launched = await ready('sleep 1000 & echo; wait', { sandbox });
    const first = parentOf(launched.pid);
    process.kill(first, 'SIGKILL');
    expect(await launched.exited).toEqual({ status: { signal: 9 }, usage: undefined });
    expect(() => statSync(`/proc/${launched.pid}/exe`)).toThrow();
    await vi.waitFor(() => expect(sandbox.released()).toBe(1), 60_000);
    launched.kin?.release();
  });

  it('by what made it goes on, and is ended as ever', async () => {
    const sandbox = sandboxLaunch();
    const launched = await ready('(setsid sleep 1000 &); echo; read line; exit 5', {
      sandbox,
      stdin: 'pipe',
    });
    const monitor = parentOf(parentOf(launched.pid));
    process.kill(monitor, 'SIGKILL');
    await vi.waitFor(() => expect(() => process.kill(monitor, 0)).toThrow(), 60_000);
    launched.stdin?.end('go\n');
    expect((await launched.exited).status).toEqual({ code: 5 });
    const tree = new ProcessTree(launched.pid, () => launched.reaped(), launched.kin);
    expect(await tree.hasMembers('tree')).toBe(true);
    expect(sandbox.released()).toBe(0);
    tree.signal(9);
    await vi.waitFor(() => expect(sandbox.released()).toBe(1), 60_000);
    expect(await tree.hasMembers('tree')).toBe(false);
    tree.release();
  });
});
