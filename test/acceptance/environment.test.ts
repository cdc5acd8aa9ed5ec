import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Inherit, type ProcessSpecSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { collect, outputOf } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { shellSpec } from '../support/shell.ts';

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;
type Variables = Readonly<Record<string, string>>;

/** A server whose own environment is the one given. */
function serverWith(environment: Variables): Promise<Harness> {
  return startHarness({ environment: new Map(Object.entries(environment)) });
}

/** What a process writes. */
async function outputFrom({ processes }: Harness, spec: SpecInit): Promise<string> {
  return outputOf(await collect(processes.run({ spec }))).toString();
}

/** The environment that a child has, as it sees it itself. */
async function environmentOfChild(harness: Harness, spec: SpecInit): Promise<Variables> {
  const output = await outputFrom(harness, { argv: ['/usr/bin/env', '-0'], ...spec });
  const lines = output.split('\0').slice(0, -1);
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/** Sets a variable of this process, which is the server's, until the test is over. */
function setOwnVariable(name: string, value: string): void {
  const before = process.env[name];
  process.env[name] = value;
  onTestFinished(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
}

/** A program that prints a text, in a folder that is made for it. */
async function installTool(folder: string, text: string, mode = 0o755): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'tool');
  await writeFile(path, `#!/bin/sh\necho ${text}\n`);
  await chmod(path, mode);
  return folder;
}

describe('a child without a policy', () => {
  it('has exactly the variables of env', async () => {
    const harness = await serverWith({ PATH: '/bin', HOME: '/root' });
    const env = { A: '1', empty: '', 'mixed Case.name': 'a=b\nc', API_KEY: 'mine', é: 'ü' };
    expect(await environmentOfChild(harness, { env })).toEqual(env);
  });

  it('has no variable at all if env is empty', async () => {
    const harness = await serverWith({ PATH: '/bin', HOME: '/root' });
    expect(await environmentOfChild(harness, {})).toEqual({});
  });

  it('has none of those that the server was started with', async () => {
    setOwnVariable('RUNLET_TEST_OWN', 'leaked');
    setOwnVariable('TEST_OWN', 'leaked');
    expect(await environmentOfChild(await startHarness(), {})).toEqual({});
  });

  it('has none of those that Node.js passes on by itself', async () => {
    setOwnVariable('NODE_V8_COVERAGE', '/nonexistent');
    expect(await environmentOfChild(await startHarness(), {})).toEqual({});
  });
});

describe('a child with a policy', () => {
  it('inherits from the environment that the server was started with', async () => {
    setOwnVariable('TEST_OWN', 'inherited');
    setOwnVariable('RUNLET_TEST_OWN', 'leaked');
    const env = await environmentOfChild(await startHarness(), { envPolicy: {} });
    expect(env['TEST_OWN']).toBe('inherited');
    expect(Object.keys(env).filter((name) => /^runlet_/i.test(name))).toEqual([]);
  });

  it('inherits none, has what is set, and env wins over it', async () => {
    const harness = await serverWith({ PATH: '/bin', HOME: '/root' });
    const envPolicy = { inherit: Inherit.NONE, set: { A: 'set', B: 'set' } };
    expect(await environmentOfChild(harness, { envPolicy, env: { B: 'env', C: 'env' } })).toEqual({
      A: 'set',
      B: 'env',
      C: 'env',
    });
  });

  it('inherits core names in any case with their spelling, and no others', async () => {
    const harness = await serverWith({
      PATH: '/bin',
      home: '/root',
      TmpDir: '/tmp',
      LC_ALL: 'C',
      LC_TIME: 'C',
      OTHER: 'x',
    });
    const envPolicy = { inherit: Inherit.CORE };
    expect(await environmentOfChild(harness, { envPolicy })).toEqual({
      PATH: '/bin',
      home: '/root',
      TmpDir: '/tmp',
      LC_ALL: 'C',
    });
  });

  it.each([
    ['all, if nothing is said', Inherit.UNSPECIFIED],
    ['all', Inherit.ALL],
  ])('inherits %s', async (_what, inherit) => {
    const environment = { PATH: '/bin', Other: 'x y' };
    const harness = await serverWith(environment);
    expect(await environmentOfChild(harness, { envPolicy: { inherit } })).toEqual(environment);
  });

  it('has no API_KEY and no SECRET_TOKEN', async () => {
    const harness = await serverWith({ API_KEY: '1', SECRET_TOKEN: '2', OTHER: '3' });
    expect(await environmentOfChild(harness, { envPolicy: {} })).toEqual({ OTHER: '3' });
  });

  it('has them if the default excludes are ignored', async () => {
    const environment = { API_KEY: '1', SECRET_TOKEN: '2', OTHER: '3' };
    const harness = await serverWith(environment);
    const envPolicy = { ignoreDefaultExcludes: true };
    expect(await environmentOfChild(harness, { envPolicy })).toEqual(environment);
  });

  it('keeps only what include_only matches', async () => {
    const harness = await serverWith({ PATH: '1', MANPATH: '2', PATH_INFO: '3', OTHER: '4' });
    const envPolicy = { includeOnly: ['*PATH'] };
    expect(await environmentOfChild(harness, { envPolicy })).toEqual({ PATH: '1', MANPATH: '2' });
  });

  it('has set filtered by include_only, and env not', async () => {
    const harness = await serverWith({ PATH: '1' });
    const envPolicy = { set: { MANPATH: 'set', OTHER: 'set' }, includeOnly: ['*PATH'] };
    expect(await environmentOfChild(harness, { envPolicy, env: { HOME: 'env' } })).toEqual({
      PATH: '1',
      MANPATH: 'set',
      HOME: 'env',
    });
  });

  it('takes ? for exactly one character', async () => {
    const harness = await serverWith({ A: '1', AB: '2', ABC: '3' });
    const envPolicy = { exclude: ['A?'] };
    expect(await environmentOfChild(harness, { envPolicy })).toEqual({ A: '1', ABC: '3' });
  });

  it('has names excluded without regard to case, and set brings them back', async () => {
    const harness = await serverWith({ Foo: '1', FOO_BAR: '2', Bar: '3' });
    const envPolicy = { exclude: ['foo*'], set: { Foo: 'back' } };
    expect(await environmentOfChild(harness, { envPolicy })).toEqual({ Foo: 'back', Bar: '3' });
  });

  it("never has the server's own settings, however it is asked for them", async () => {
    const harness = await serverWith({ RUNLET_ADDRESS: '1', Runlet_Auth_Token: '2', OTHER: '3' });
    const envPolicy = { ignoreDefaultExcludes: true, includeOnly: ['RUNLET_*', 'OTHER'] };
    expect(await environmentOfChild(harness, { envPolicy })).toEqual({ OTHER: '3' });
  });
});

describe('a program without a slash', () => {
  it("is looked up in the child's PATH and not in the server's", async () => {
    const harness = await startHarness();
    const ofServer = await installTool(join(harness.folder, 'server'), 'of the server');
    const ofChild = await installTool(join(harness.folder, 'child'), 'of the child');
    setOwnVariable('PATH', `${ofServer}:${process.env['PATH']}`);
    const spec = { argv: ['tool'], env: { PATH: ofChild } };
    expect(await outputFrom(harness, spec)).toBe('of the child\n');
    const elsewhere = { argv: ['tool'], env: { PATH: '/nonexistent' } };
    const { summary } = await failureOf(collect(harness.processes.run({ spec: elsewhere })));
    expect(summary).toBe('FAILED_PRECONDITION/START_FAILED');
  });

  it('is looked up in the PATH that the policy lets through', async () => {
    const harness = await startHarness({ environment: new Map([['PATH', 'bin']]) });
    await installTool(join(harness.folder, 'bin'), 'inherited');
    expect(await outputFrom(harness, { argv: ['tool'], envPolicy: {} })).toBe('inherited\n');
    const excluded = { argv: ['tool'], envPolicy: { exclude: ['PATH'] } };
    const { summary } = await failureOf(collect(harness.processes.run({ spec: excluded })));
    expect(summary).toBe('FAILED_PRECONDITION/START_FAILED');
  });

  it("is looked up in the system's own path if the child has no PATH", async () => {
    const harness = await serverWith({ PATH: '/nonexistent' });
    expect(await outputFrom(harness, { argv: ['sh', '-c', 'echo found'] })).toBe('found\n');
  });

  it('is looked up beyond one that is not executable', async () => {
    const harness = await startHarness();
    const plain = await installTool(join(harness.folder, 'a'), 'plain', 0o644);
    const executable = await installTool(join(harness.folder, 'b'), 'executable');
    const env = { PATH: `${plain}:${executable}` };
    expect(await outputFrom(harness, { argv: ['tool'], env })).toBe('executable\n');
  });

  it('is still called by its name', async () => {
    const harness = await startHarness();
    const folder = join(harness.folder, 'bin');
    await mkdir(folder);
    await symlink(process.execPath, join(folder, 'renamed'));
    const spec = { argv: ['renamed', '-p', 'process.argv0'], env: { PATH: folder } };
    expect(await outputFrom(harness, spec)).toBe('renamed\n');
  });
});

describe('a program with a slash', () => {
  it("is a path from the process's working directory", async () => {
    const harness = await startHarness();
    const cwd = await installTool(join(harness.folder, 'here'), 'here');
    expect(await outputFrom(harness, { argv: ['./tool'], cwd })).toBe('here\n');
    const elsewhere = { argv: ['./tool'], cwd: '/' };
    const { startFailure } = await failureOf(collect(harness.processes.run({ spec: elsewhere })));
    expect(startFailure?.errnoName).toBe('ENOENT');
  });
});

describe('a process of a session', () => {
  it('has the same environment as one of Run', async () => {
    const { processes, sessionId } = await serverWith({ PATH: '/usr/bin:/bin', API_KEY: 'x' });
    const spec = shellSpec('env -0', { envPolicy: {}, env: { A: '1' } });
    const { process } = await processes.startProcess({ sessionId, spec });
    const watched = await collect(
      processes.watchProcess({ sessionId, processId: process?.processId ?? '' }),
    );
    const run = await collect(processes.run({ spec }));
    expect(outputOf(watched).toString()).toBe(outputOf(run).toString());
    expect(outputOf(watched).toString()).toContain('A=1\0');
    expect(outputOf(watched).toString()).not.toContain('API_KEY');
  });
});
