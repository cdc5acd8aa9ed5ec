import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LaunchedProcess, LaunchRequest } from '../../../src/process/launcher.ts';
import { posixSpawnLauncher } from '../../../src/process/native/posix-spawn-launcher.ts';
import { openedSince, ownDescriptors } from '../../support/descriptors.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { PATH } from '../../support/shell.ts';

const launcher = posixSpawnLauncher();

/** Launches a shell script. */
async function launchShell(
  script: string,
  more: Partial<LaunchRequest> = {},
): Promise<LaunchedProcess & { readonly output: { stdout: Readable; stderr: Readable } }> {
  const launched = await launcher.launch({
    program: '/bin/sh',
    arg0: 'sh',
    args: ['-c', script],
    cwd: '/',
    env: new Map([['PATH', PATH]]),
    stdin: 'closed',
    terminal: undefined,
    mergeStderr: false,
    limits: undefined,
    ...more,
  });
  const { stderr, stdout } = launched.output;
  if (stdout === undefined || stderr === undefined) throw new Error('it has no pipes');
  return { ...launched, output: { stdout, stderr } };
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** What a script writes to standard output, to its end. */
async function outputOf(script: string, more: Partial<LaunchRequest> = {}): Promise<string> {
  const { exited, output, stdin } = await launchShell(script, more);
  output.stderr.resume();
  stdin?.end('from stdin');
  const text = await textOf(output.stdout);
  await exited;
  return text;
}

describe('a process launched by posix_spawn', () => {
  it('can open its standard streams by path, since they are pipes', async () => {
    const text = await outputOf('cat /dev/stdin > /dev/stdout', { stdin: 'pipe' });
    expect(text).toBe('from stdin');
  });

  it('has three descriptors, though the server holds a thousand', async () => {
    const held = Array.from({ length: 1_000 }, () => openSync('/dev/null', 'r'));
    onTestFinished(() => {
      for (const fd of held) closeSync(fd);
    });
    // The fourth is that of the folder which is listed.
    expect((await outputOf('exec ls -v /proc/self/fd')).trim().split('\n')).toEqual([
      '0',
      '1',
      '2',
      '3',
    ]);
  });

  it('starts in its folder, with its name, its arguments and its environment alone', async () => {
    const cwd = await temporaryFolder();
    const env = new Map([['ONLY', 'this']]);
    const script = 'pwd; echo "$0 $1"; /usr/bin/env | grep -v -e ^PWD -e ^_ -e ^SHLVL -e ^OLDPWD';
    const args = ['-c', script, 'name', 'argument'];
    expect(await outputOf('', { args, cwd, env })).toBe(`${cwd}\nname argument\nONLY=this\n`);
  });

  it('has no signal blocked nor ignored, those of the C library included', async () => {
    const text = await outputOf('grep -E "^Sig(Blk|Ign):" /proc/self/status');
    expect(text).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
  });

  it('leaves the status and the usage that the kernel knows', async () => {
    // It keeps what it reads, since there is no end of a line in it.
    const bytes = process.resourceUsage().maxRSS * 1024 + 100_000_000;
    const script = `head -c ${bytes} /dev/zero | tail -n 1 | wc -c; exit 7`;
    const { exited, output } = await launchShell(script);
    for (const stream of Object.values(output)) stream.resume();
    const { status, usage } = await exited;
    expect(status).toEqual({ code: 7 });
    expect((usage?.userMs ?? 0) + (usage?.systemMs ?? 0)).toBeGreaterThan(0);
    expect(usage?.peakResidentBytes).toBeGreaterThan(bytes);
  });

  it('does not have the peak of the server for its own', async () => {
    const { exited, output } = await launchShell('true');
    for (const stream of Object.values(output)) stream.resume();
    expect((await exited).usage?.peakResidentBytes).toBeUndefined();
  });

  it.each([1, 9, 15, 11, 35, 64])('that signal %i ends is said to have been', async (signal) => {
    const { exited, output, pid } = await launchShell('echo ready; exec sleep 1000');
    output.stderr.resume();
    await once(output.stdout, 'data');
    output.stdout.resume();
    process.kill(pid, signal);
    expect((await exited).status).toEqual({ signal });
  });

  it('that cannot be started leaves nothing, and says where it failed', async () => {
    const folder = await temporaryFolder();
    const script = join(folder, 'script');
    await writeFile(script, 'echo no interpreter\n');
    await chmod(script, 0o755);
    // What the tests before this one left may go meanwhile.
    const before = ownDescriptors();
    for (const [more, stage, errnoName] of [
      [{ program: '/nonexistent' }, 'PROGRAM', 'ENOENT'],
      [{ program: '/etc/passwd' }, 'PROGRAM', 'EACCES'],
      [{ program: script }, 'PROGRAM', 'ENOEXEC'],
      [{ args: ['-c', ':', 'x'.repeat(1_000_000)] }, 'SPAWN', 'E2BIG'],
    ] as const) {
      await expect(launchShell('true', { ...more, stdin: 'pipe' })).rejects.toMatchObject({
        reason: 'START_FAILED',
        details: { startFailure: { stage, errnoName } },
      });
    }
    expect(openedSince(before)).toEqual([]);
  });
});

describe('what launched processes leave behind', () => {
  it('may be there while one orphan is, whatever else runs, starts or ends', async () => {
    const sleeper = await launchShell('exec sleep 1000');
    const mayHaveOrphans = async (): Promise<boolean> =>
      (await sleeper.kin?.mayHaveOrphans()) ?? true;
    expect(await mayHaveOrphans()).toBe(false);
    // It is a child of this process as soon as the leader has ended.
    const leader = await launchShell('setsid sleep 1000 > /dev/null 2>&1 & echo $!');
    const orphan = Number(await textOf(leader.output.stdout));
    await leader.exited;
    expect(await mayHaveOrphans()).toBe(true);
    process.kill(orphan, 'SIGKILL');
    await expect.poll(mayHaveOrphans).toBe(false);
    // A launch that takes long on a busy machine may be one, so far.
    const starting = launchShell('exit 0');
    await expect.poll(mayHaveOrphans).toBe(false);
    await (await starting).exited;
    process.kill(sleeper.pid, 'SIGKILL');
    await sleeper.exited;
  });
});

describe('a thousand launches at once', () => {
  it('all succeed', async () => {
    const launches = Array.from({ length: 1_000 }, async () => {
      const { exited, output } = await launchShell('exit 3');
      for (const stream of Object.values(output)) stream.resume();
      return (await exited).status;
    });
    expect(await Promise.all(launches)).toEqual(Array(1_000).fill({ code: 3 }));
  });
});

/** Has so many processes, of the launcher and of Node.js, end with codes, and checks these. */
async function endMany(count: number): Promise<void> {
  const launchOne = async (code: number): Promise<void> => {
    const { exited, output } = await launchShell(`exit ${code}`);
    for (const stream of Object.values(output)) stream.resume();
    expect((await exited).status).toEqual({ code });
  };
  const spawnOne = async (code: number): Promise<void> => {
    const child = spawn('/bin/sh', ['-c', `exit ${code}`], { stdio: 'ignore' });
    expect(await once(child, 'exit')).toEqual([code, null]);
  };
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const i = next++;
      const code = Math.floor(Math.random() * 256);
      await (i % 4 === 0 ? spawnOne(code) : launchOne(code));
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

describe('the ends of many processes', () => {
  it('are all told, each with its own status, beside the children of Node.js', async () => {
    await endMany(400);
  });

  it('are told beside more that live than are asked for at a time, and so are theirs', async () => {
    const idle = await Promise.all(
      Array.from({ length: 100 }, () => launchShell('exec sleep 1000')),
    );
    await endMany(400);
    const ends = idle.map(async ({ exited, output, pid }) => {
      for (const stream of Object.values(output)) stream.resume();
      process.kill(pid, 'SIGKILL');
      return (await exited).status;
    });
    expect(await Promise.all(ends)).toEqual(Array(100).fill({ signal: 9 }));
  });
});
