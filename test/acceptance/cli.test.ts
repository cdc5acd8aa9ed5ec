import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { MAIN, resultOf, runCli, spawnCli } from '../support/cli.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { awaitRelease, release } from '../support/shell.ts';

/** In which everybody may look for programs: with others, one that is nowhere may be EACCES. */
const SYSTEM_PATH = { PATH: '/usr/bin:/bin' };

describe('runlet run', () => {
  it('has the output of the process on the same streams, and its exit code', async () => {
    const { code, stderr, stdout } = await runCli([
      'run',
      '--',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 3',
    ]);
    expect([code, stdout.toString(), stderr]).toEqual([3, 'out\n', 'err\n']);
  });

  it('shows what is written as it is written', async () => {
    const folder = await temporaryFolder();
    const script = `echo one; ${awaitRelease('go')}; echo two`;
    const child = spawnCli(['run', '--', 'sh', '-c', script], { cwd: folder });
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await expect.poll(() => text).toBe('one\n');
    await release({ folder }, 'go');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(text).toBe('one\ntwo\n');
  });

  it('loses nothing of much output', async () => {
    const expected = createHash('sha256');
    for (let i = 1; i <= 2_000_000; i++) expected.update(`${i}\n`);
    const { stdout } = await runCli(['run', '--', 'seq', '1', '2000000']);
    expect(createHash('sha256').update(stdout).digest('hex')).toBe(expected.digest('hex'));
  });

  it('copies standard input to its end', async () => {
    const { code, stdout } = await runCli(['run', '--', 'cat'], 'a\nb\n');
    expect([code, stdout.toString()]).toEqual([0, 'a\nb\n']);
    const data = Buffer.alloc(10_000_000, 'xyz');
    expect((await runCli(['run', '--', 'cat'], data)).stdout.equals(data)).toBe(true);
  });

  it('ends with the process, though standard input is still open', async () => {
    const child = spawnCli(['run', '--', 'sh', '-c', 'exit 5']);
    expect((await resultOf(child)).code).toBe(5);
  });

  it.each(['SIGHUP', 'SIGKILL', 'SIGPIPE', 'SIGUSR1', 'SIGTERM', 'SIGSEGV'] as const)(
    'dies of %s as its program does, of which a shell makes 128+n',
    async (signal) => {
      const argv = ['run', '--', 'sh', '-c', `kill -${signal.slice(3)} $$`];
      expect((await runCli(argv)).signal).toBe(signal);
      const shell = spawn('sh', ['-c', '"$0" "$@"; exit $?', process.execPath, MAIN, ...argv]);
      expect((await resultOf(shell)).code).toBe(128 + constants.signals[signal]);
    },
  );

  it('exits with 127, 126 and 125 for a start that failed', async () => {
    const codes = [];
    for (const argv of [['no-such-program'], ['/']]) {
      codes.push((await runCli(['run', '--', ...argv], '', { env: SYSTEM_PATH })).code);
    }
    codes.push((await runCli(['run', '--cwd', '/nonexistent', '--', 'true'])).code);
    expect(codes).toEqual([127, 126, 125]);
  });

  it('says in one line why a start failed', async () => {
    const { stderr } = await runCli(['run', '--', 'no-such-program'], '', { env: SYSTEM_PATH });
    expect(stderr).toBe('runlet: no-such-program: no such program: ENOENT (START_FAILED)\n');
  });

  it('passes Ctrl-C on', async () => {
    const script = 'trap "echo trapped; exit 9" INT; echo ready; while :; do sleep 0.01; done';
    const child = spawnCli(['run', '--', 'sh', '-c', script]);
    await once(child.stdout ?? child, 'data');
    child.kill('SIGINT');
    const { code, stdout } = await resultOf(child);
    expect([code, stdout.toString()]).toEqual([9, 'trapped\n']);
  });

  it('ends as a program does whose output nobody reads, and takes the process along', async () => {
    const child = spawnCli(['run', '--', 'sh', '-c', 'echo $$; exec yes']);
    const [first] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    const exited = once(child, 'exit');
    child.stdout?.destroy();
    expect(await exited).toEqual([141, null]);
    expect(isAlive(pidFrom(first.toString()))).toBe(false);
  });

  it('gives the process this environment, but for what is meant for runlet', async () => {
    const env = { PATH: process.env['PATH'], FOO_TOKEN: 'kept', RUNLET_ADDRESS: '' };
    const { stdout } = await runCli(['run', '--', '/usr/bin/env'], '', { env });
    const names = stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(names.sort()).toEqual(['FOO_TOKEN', 'PATH']);
  });

  it('leaves nothing in the temporary folder', async () => {
    const folder = await temporaryFolder();
    const env = { ...process.env, TMPDIR: folder };
    await runCli(['run', '--', 'true'], '', { env });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('can use a server that is there', async () => {
    const served = await serveHere();
    const address = formatAddress(served.address);
    const args = ['run', '--address', address, '--', 'sh', '-c', 'cat; pwd'];
    const { code, stderr, stdout } = await runCli(args, 'in ');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.toString()).toMatch(/^in \//);
    const gone = ['run', '--address', 'unix:/nonexistent/socket', '--', 'true'];
    const refused = await runCli(gone);
    expect(refused.code).toBe(125);
    expect(refused.stderr).toMatch(/^runlet: .*UNAVAILABLE/);
  });
});

describe('runlet serve', () => {
  it.runIf(process.platform === 'linux')(
    'ends, and leaves no socket, if it cannot say where it listens',
    async () => {
      const folder = await temporaryFolder();
      const full = await open('/dev/full', 'w');
      onTestFinished(() => full.close());
      const state = ['--state-dir', await temporaryFolder()];
      const args = ['serve', '--listen', `unix:${folder}/s`, '--log-level', 'error', ...state];
      const stdio = ['ignore', full.fd, 'pipe'] as const;
      const { code, stderr } = await resultOf(spawnCli(args, { stdio: [...stdio] }));
      expect(stderr).toBe('runlet: standard output: no space left on device (ENOSPC)\n');
      expect([code, await readdir(folder)]).toEqual([125, []]);
    },
  );

  it('says where it listens, one line for each address, with the real port', async () => {
    const folder = await temporaryFolder();
    const child = spawnCli([
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--listen',
      `unix:${folder}/s`,
      '--auth',
      'none',
      '--state-dir',
      `${folder}/state`,
    ]);
    let text = '';
    while (text.split('\n').length < 3) {
      text += String((await once(child.stdout ?? child, 'data')) as [Buffer]);
    }
    child.kill('SIGTERM');
    expect((await resultOf(child)).code).toBe(0);
    const [tcp, unix] = text.split('\n');
    expect(tcp).toMatch(/^runlet listening on 127\.0\.0\.1:[1-9]\d*$/);
    expect(unix).toBe(`runlet listening on unix:${folder}/s`);
  });

  it('listens by default on a socket in the runtime folder that only its user can use', async () => {
    const folder = await temporaryFolder();
    const env = { ...process.env, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder };
    const child = spawnCli(['serve'], { env });
    const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    expect(line.toString()).toBe(`runlet listening on unix:${folder}/runlet/runlet.sock\n`);
    child.kill('SIGTERM');
    expect((await resultOf(child)).code).toBe(0);
  });

  it('logs each call as a line of JSON with ids, and no contents', async () => {
    const folder = await temporaryFolder();
    const address = `unix:${folder}/s`;
    const child = spawnCli(['serve', '--listen', address, '--state-dir', `${folder}/state`]);
    await once(child.stdout ?? child, 'data');
    const secret = 'do-not-log-this';
    await runCli(['run', '--address', address, '--', 'sh', '-c', `: ${secret}; cat`], secret);
    child.kill('SIGTERM');
    const { stderr } = await resultOf(child);
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const start = lines.find(({ method }) => String(method).endsWith('/StartProcess'));
    expect(start).toMatchObject({
      code: 'OK',
      sessionId: expect.any(String),
      processId: expect.any(String),
      durationMs: expect.any(Number),
    });
    expect(stderr).not.toContain(secret);
  });
});
