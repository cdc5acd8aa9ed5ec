import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { cliUser } from '../support/cli-user.ts';
import { connectTo } from '../support/client.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';

/** A use of every command that needs a server. */
const USES: readonly (readonly [string, ...string[]])[] = [
  ['run', '--', 'true'],
  ['start', '--', 'true'],
  ['attach'],
  ['attach', 'some'],
  ['logs'],
  ['logs', '-f', '--session', '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52'],
  ['ps'],
  ['ps', '--all'],
  ['kill'],
  ['stop', 'some'],
  ['wait', 'some'],
  ['inspect', 'some'],
  ['exec', 'some', 'true'],
  ['sessions'],
  ['sessions', 'close'],
  ['info'],
];

describe('where no server is', () => {
  it.each(USES.map((args) => [args]))('runlet %j says so, and how to start one', async (args) => {
    const folder = await temporaryFolder();
    const address = `unix:${join(folder, 'none')}`;
    const env = { ...process.env, RUNLET_ADDRESS: address, XDG_STATE_HOME: folder };
    const { code, stderr, stdout } = await runCli(args, '', { env });
    expect(stderr).toBe(
      `runlet: no server answers at ${address}; start one with \`runlet serve --listen ${address}\` (UNAVAILABLE)\n`,
    );
    expect([code, stdout.toString()]).toEqual([125, '']);
  });

  it('says what to do for the default address, and for TCP', async () => {
    const folder = await temporaryFolder();
    const env = { ...process.env, RUNLET_ADDRESS: '', XDG_RUNTIME_DIR: folder };
    expect((await runCli(['info'], '', { env })).stderr).toBe(
      `runlet: no server answers at unix:${folder}/runlet/runlet.sock; start one with \`runlet serve\` (UNAVAILABLE)\n`,
    );
    // Nothing listens on this port, which needs a privilege.
    expect((await runCli(['info', '--address', '127.0.0.1:1'], '', { env })).stderr).toBe(
      'runlet: no server answers at 127.0.0.1:1; start one with `runlet serve --listen 127.0.0.1:1 --auth none` (UNAVAILABLE)\n',
    );
  });
});

describe('a default folder that others can use', () => {
  it('is refused: the server in it may be theirs', async () => {
    const folder = await temporaryFolder();
    const env = { ...process.env, RUNLET_ADDRESS: '', XDG_RUNTIME_DIR: folder };
    const runtime = join(folder, 'runlet');
    await mkdir(runtime);
    await chmod(runtime, 0o755);
    for (const command of [['start', '--env', 'PASSWORD=hunter2', '--', 'true'], ['conformance']]) {
      const { code, stderr } = await runCli(command, '', { env });
      expect(stderr).toBe(`runlet: ${runtime} can be used by other users\n`);
      expect(code).toBe(125);
    }
  });
});

describe('arguments that make no sense', () => {
  it.each([
    [['run'], "missing required argument 'argv'"],
    [['run', '--timeout', '0', '--', 'true'], 'must be more than 0'],
    [['run', '--timeout', 'soon', '--', 'true'], 'no span of time'],
    [['run', '--env-policy', 'some', '--', 'true'], 'Allowed choices are all, core, none'],
    [['run', '--address', 'nonsense', '--', 'true'], 'expected unix:PATH or HOST:PORT'],
    [['start', '--ttl', '5', '--session', 'x', '--', 'true'], 'cannot be used with'],
    [['attach', '--detach-keys', 'ctrl-'], 'Expected keys like ctrl-p,ctrl-q'],
    [['attach', 'one', 'two'], 'too many arguments'],
    [['logs', '--since-seq', '-1'], 'not a whole number'],
    [['logs', '--since-seq', '1.5'], 'not a whole number'],
    [['ps', '--filter', 'pid=1'], 'It is none of state=running'],
    [['run', '--timeout', '1h2h', 'true'], 'no span of time'],
    [['start', '--retained-bytes', '1 MB', 'true'], 'no number of bytes'],
    [['start', '--limit', 'files=1', 'true'], 'There is no limit files, but open-files,'],
    [['start', '--label', 'x', 'true'], 'not of the form NAME=VALUE'],
    [['run', '--cwd', 'x', '--address', '127.0.0.1:1', 'true'], 'has to be an absolute path'],
    [['exec', 'x'], "missing required argument 'argv'"],
    [['kill', '-99'], 'It is no signal'],
    [['kill', '--signal', 'NOPE'], 'It is no signal'],
    [['kill', '--signal', '99'], 'It is no signal'],
    [['kill', '--signal', 'INT', '--grace', '1'], 'cannot be used with'],
    [['kill', '--scope', 'all'], 'Allowed choices are group, leader, tree'],
    // As in a script whose variable is not set: every id begins with that.
    [['attach', ''], 'must not be empty'],
    [['logs', '--session', '', 'x'], 'must not be empty'],
    [['ps', '--session', ''], 'must not be empty'],
    [['kill', ''], 'must not be empty'],
    [['kill', '--session', ''], 'must not be empty'],
    [['sessions', 'close', ''], 'must not be empty'],
    [['start', '--id', '', '--', 'true'], 'must not be empty'],
    [['start', '--session', '', '--', 'true'], 'must not be empty'],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish'],
    [['sessions', 'shut'], 'too many arguments'],
    [['nonsense'], "unknown command 'nonsense'"],
    [['logs', '--nonsense'], "unknown option '--nonsense'"],
  ])('are refused with exit code 2: runlet %j', async (args, message) => {
    const { code, stderr, stdout } = await runCli(args);
    expect(stderr).toContain(message);
    expect([code, stdout.toString()]).toEqual([2, '']);
  });

  it('may be in the environment, too', async () => {
    const env = { ...process.env, RUNLET_ADDRESS: 'nonsense' };
    expect(await runCli(['ps'], '', { env })).toMatchObject({
      code: 2,
      stderr: 'runlet: RUNLET_ADDRESS: address nonsense: expected unix:PATH or HOST:PORT\n',
    });
  });
});

describe('a session or a process that is not there', () => {
  it('is said to be so in one sentence', async () => {
    const served = await serveHere();
    const user = await cliUser(served.address);
    const address = user.env['RUNLET_ADDRESS'];
    const failure = async (...args: string[]): Promise<unknown[]> => {
      const { code, stderr } = await user.run(args);
      return [code, stderr];
    };
    expect(await failure('attach')).toEqual([
      2,
      `runlet: this user started nothing at ${address}; see \`runlet ps --all\`\n`,
    ]);
    expect(await failure('logs', 'some')).toEqual([
      125,
      'runlet: no session has a process some (PROCESS_NOT_FOUND)\n',
    ]);
    expect(await failure('ps', '--session', 'abc')).toEqual([
      125,
      'runlet: no session begins with abc (SESSION_NOT_FOUND)\n',
    ]);
    const id = '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52';
    expect(await failure('start', '--session', id, '--', 'true')).toEqual([
      125,
      `runlet: session ${id}: the server does not know the session (any more) (expired)\n`,
    ]);
    const empty = await connectTo(served.address).session();
    expect(await failure('logs', '--session', empty.id)).toEqual([
      125,
      `runlet: session ${empty.id} has no processes (PROCESS_NOT_FOUND)\n`,
    ]);
    await user.start('--', 'true');
    expect(await failure('info', '--address', 'unix:/none')).toContain(125);
    expect(await failure('kill', '--address', address ?? '', 'nope')).toEqual([
      125,
      'runlet: no such process in this session (PROCESS_NOT_FOUND)\n',
    ]);
  });
});
