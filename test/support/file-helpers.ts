import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { idleClock } from '../../src/clock.ts';
import { RunletError } from '../../src/errors.ts';
import { FileHelpers } from '../../src/files/helper/file-helpers.ts';
import type { HelperProcess, StartHelper } from '../../src/files/helper/process-link.ts';
import {
  type HelperStarterOptions,
  helperStarter,
} from '../../src/files/helper/start-in-sandbox.ts';
import { agentScript } from '../../src/files/workers/agent-script.ts';
import { FileWorkers } from '../../src/files/workers/file-workers.ts';
import { threadLinks } from '../../src/files/workers/thread-link.ts';
import { Tally } from '../../src/policy/tally.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { Placeholders } from '../../src/sandbox/placeholders.ts';
import { prepareSandbox } from '../../src/sandbox/prepare-sandbox.ts';
import type { SandboxSpec } from '../../src/sandbox/sandbox-spec.ts';
import { openSandboxes } from '../../src/sandbox/sandboxes.ts';
import type { Session } from '../../src/session/session.ts';
import { LAUNCHER } from './harness.ts';

/** A sandbox that allows nothing, for helpers that are started without any. */
export const NO_SANDBOX: SandboxSpec = { profile: '', layers: [], cwd: undefined };

/** Starts a helper without any sandbox; `onStart` is told of its process. */
export function startPlain(onStart: (child: ChildProcess) => void = () => {}): StartHelper {
  return startProgram([fileURLToPath(agentScript('main-in-sandbox'))], onStart);
}

/** Starts Node.js with these arguments in place of a helper. */
export function startProgram(
  args: readonly string[],
  onStart: (child: ChildProcess) => void = () => {},
): StartHelper {
  return async (socket): Promise<HelperProcess> => {
    const child = spawn(process.execPath, args, {
      stdio: [socket, 'ignore', 'inherit'],
      env: {},
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'spawn');
    onStart(child);
    return {
      ended: once(child, 'exit').then(([code, signal]) => `${signal ?? code}`),
      kill: () => void child.kill('SIGKILL'),
    };
  };
}

/** Helpers, threads beside them, and what went wrong by a fault of ours. */
export interface MadeHelpers {
  readonly helpers: FileHelpers;
  readonly threads: FileWorkers;
  readonly errors: unknown[];
}

/** Makes helpers that are started so; they end when the test is over. */
export function makeHelpers(start: StartHelper, clock = idleClock): MadeHelpers {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const underWay = new Tally();
  const threads = new FileWorkers({ open: threadLinks({ roots: [] }), clock, onError, underWay });
  const helpers = new FileHelpers({ start: () => start, threads, underWay, clock, onError });
  onTestFinished(async () => {
    await helpers.close();
    await threads.close();
  });
  return { helpers, threads, errors };
}

/** Helpers in sandboxes, as a server starts them. */
export function sandboxedHelpers(
  options: Partial<Pick<HelperStarterOptions, 'roots' | 'runtime' | 'runtimeFiles'>> = {},
): MadeHelpers {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const underWay = new Tally();
  const clock = idleClock;
  const threads = new FileWorkers({ open: threadLinks({ roots: [] }), clock, onError, underWay });
  const placeholders = new Placeholders(threads, onError);
  const launcher = createLauncher(LAUNCHER);
  const sandboxes = openSandboxes({
    launcher,
    prepare: (spec, { asker, cwd }) =>
      prepareSandbox(spec, { asker, cwd, placeholders, workers: threads }),
  });
  const start = helperStarter({ launcher, sandboxes, roots: [], ...options });
  const helpers = new FileHelpers({ start, threads, underWay, clock, onError });
  onTestFinished(async () => {
    await helpers.close();
    await threads.close();
  });
  return { helpers, threads, errors };
}

/** As much of a session as helpers ask for, and its end. */
export interface EndableSession {
  readonly session: Pick<Session, 'whenOver'>;
  readonly end: () => void;
}

/** A session that ends when it is told to. */
export function endableSession(): EndableSession {
  const callbacks = new Set<(why: RunletError) => void>();
  return {
    session: {
      whenOver(callback) {
        callbacks.add(callback);
        return () => void callbacks.delete(callback);
      },
    },
    end: () => {
      for (const callback of callbacks) callback(new RunletError('SESSION_CLOSED'));
    },
  };
}
