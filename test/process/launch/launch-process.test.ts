import { describe, expect, it } from 'vitest';
import { buildEnvironment } from '../../../src/environment/env-policy.ts';
import { RunletError, type StartStage } from '../../../src/errors.ts';
import { launchProcess } from '../../../src/process/launch/launch-process.ts';
import type { LaunchContext, LaunchStep } from '../../../src/process/launch/launch-step.ts';
import { LAUNCH_STEPS } from '../../../src/process/launch/launch-steps.ts';
import type { Launcher, LaunchRequest } from '../../../src/process/launcher.ts';
import type { ProcessSpec } from '../../../src/process/process-spec.ts';
import { spawnFailure, startFailure } from '../../../src/process/start-failure.ts';
import { ScriptedLauncher } from '../../support/scripted-launcher.ts';

/** A launcher that shows what it is asked for, and may fail. */
class AskedLauncher extends ScriptedLauncher {
  asked: LaunchRequest | undefined;
  readonly #failure: Error | undefined;

  constructor(failure?: Error) {
    super();
    this.#failure = failure;
  }

  override launch(request: LaunchRequest): ReturnType<Launcher['launch']> {
    this.asked = request;
    return this.#failure === undefined ? super.launch(request) : Promise.reject(this.#failure);
  }
}

interface Wanted {
  readonly spec?: Partial<ProcessSpec>;
  readonly steps?: readonly LaunchStep[];
  readonly failure?: Error;
  readonly assertWanted?: () => void;
}

/** The server's own environment. */
const SERVERS = new Map([
  ['PATH', '/usr/bin:/bin'],
  ['API_KEY', 'secret'],
  ['PWD', '/srv'],
]);

/** What the launcher was asked for, and why the start failed if it did. */
async function launch({ assertWanted = () => {}, failure, spec, steps = LAUNCH_STEPS }: Wanted) {
  const launcher = new AskedLauncher(failure);
  const whole = { ...launcher.request().spec, ...spec };
  const context: LaunchContext = {
    spec: whole,
    launcher,
    asker: { principal: 'one', asker: 's' },
    environment: () => buildEnvironment(SERVERS, whole.envPolicy, whole.env, whole.cwd),
  };
  const error = await launchProcess(steps, context, assertWanted).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  launcher.exitAll();
  return { asked: launcher.asked, error };
}

function stageOf(error: unknown): StartStage | undefined {
  return error instanceof RunletError ? error.details.startFailure?.stage : undefined;
}

const POLICY = {
  inherit: 'all',
  ignoreDefaultExcludes: false,
  exclude: [],
  set: new Map(),
  includeOnly: [],
} as const;

describe('a launch', () => {
  it('asks for what its steps made of the spec', async () => {
    const { asked } = await launch({
      spec: {
        argv: ['sh', '-c', 'exit 0'],
        cwd: '/tmp',
        envPolicy: POLICY,
        env: new Map([['A', '1']]),
        stdin: 'pipe',
      },
    });
    expect(asked).toEqual({
      program: expect.stringMatching(/^(?:\/usr)?\/bin\/sh$/),
      arg0: 'true',
      args: ['-c', 'exit 0'],
      cwd: '/tmp',
      env: new Map([
        ['PATH', '/usr/bin:/bin'],
        ['PWD', '/tmp'],
        ['A', '1'],
      ]),
      stdin: 'pipe',
      terminal: undefined,
      mergeStderr: false,
      limits: undefined,
    });
  });

  it.each<[string, Partial<ProcessSpec>, StartStage]>([
    ['a program that is nowhere', { argv: ['nowhere'] }, 'PROGRAM'],
    ['that in a folder that is missing', { argv: ['nowhere'], cwd: '/missing' }, 'CWD'],
    ['a terminal that cannot be given', { terminal: { columns: 1, rows: 1 } }, 'TERMINAL'],
    ['limits that cannot be set', { limits: { coreBytes: 0 } }, 'SPAWN'],
    ['streams that cannot be merged', { mergeStderr: true }, 'SPAWN'],
  ])('that asks for %s fails before the launcher is asked', async (_, spec, stage) => {
    const { asked, error } = await launch({ spec });
    expect(stageOf(error)).toBe(stage);
    expect(asked).toBeUndefined();
  });

  it.each<[string, Partial<ProcessSpec>, StartStage]>([
    ['its folder if that is why', { cwd: '/missing' }, 'CWD'],
    ['its program if that is why', { argv: ['/bin/missing'] }, 'PROGRAM'],
    ['its folder first', { argv: ['/bin/missing'], cwd: '/missing' }, 'CWD'],
    ['what the launcher says otherwise', {}, 'SPAWN'],
  ])('that the launcher fails is told to have failed for %s', async (_, spec, stage) => {
    const { error } = await launch({ spec, failure: spawnFailure('EAGAIN') });
    expect(stageOf(error)).toBe(stage);
  });

  it('that nobody wants any more is not asked for, and nothing is looked at', async () => {
    const gone = new Error('gone');
    const assertWanted = (): void => {
      throw gone;
    };
    const { asked, error } = await launch({ spec: { cwd: '/missing' }, assertWanted });
    expect(error).toBe(gone);
    expect(asked).toBeUndefined();
  });
});

describe('a further step', () => {
  const wrapped: LaunchStep = {
    apply: (request) => ({
      ...request,
      program: '/bin/wrapper',
      args: [request.program, ...request.args],
    }),
    inspect: ({ program }) => Promise.reject(startFailure('SPAWN', 'EPERM', `by ${program}`)),
  };

  it('sees what those before it made', async () => {
    const spec = { argv: ['/bin/echo', 'a'] };
    const { asked } = await launch({ spec, steps: [...LAUNCH_STEPS, wrapped] });
    expect(asked).toMatchObject({ program: '/bin/wrapper', args: ['/bin/echo', 'a'] });
  });

  it('leaves to those before it what they made, where a failure is looked into', async () => {
    const steps = [...LAUNCH_STEPS, wrapped];
    const failure = spawnFailure('EAGAIN');
    const missing = await launch({ spec: { argv: ['/bin/missing'] }, steps, failure });
    expect(stageOf(missing.error)).toBe('PROGRAM');
    const there = await launch({ steps, failure });
    expect(there.error).toMatchObject({ message: 'by /bin/wrapper' });
  });
});
