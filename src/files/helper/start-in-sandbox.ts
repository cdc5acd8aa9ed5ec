import { constants } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunletError } from '../../errors.ts';
import { HELPER_HEAP_MIB } from '../../limits.ts';
import type { LaunchedProcess, Launcher, LaunchRequest } from '../../process/launcher.ts';
import { signalProcess } from '../../process/signals.ts';
import type { PreparedSandbox } from '../../sandbox/prepared-sandbox.ts';
import { sandboxUnavailable } from '../../sandbox/sandbox-failure.ts';
import type { SandboxSpec } from '../../sandbox/sandbox-spec.ts';
import type { Sandboxes } from '../../sandbox/sandboxes.ts';
import { textOfBytes } from '../../system-text.ts';
import type { Asker } from '../../turn-queue.ts';
import type { Root } from '../roots.ts';
import { agentScript } from '../workers/agent-script.ts';
import { confinedSpec, withRuntime } from './helper-spec.ts';
import type { HelperProcess, StartHelper } from './process-link.ts';
import { type Runtime, type RuntimeFile, runtimeFiles } from './runtime-files.ts';

/** What helpers in sandboxes are started with. */
export interface HelperStarterOptions {
  readonly launcher: Launcher;
  readonly sandboxes: Sandboxes;
  /** The folders that files are confined to; none: they are not. */
  readonly roots: readonly Root[];
  /** Default: what runs here. */
  readonly runtime?: Runtime;
  /** What is visible of it. Default: all that it needs. */
  readonly runtimeFiles?: (runtime: Runtime) => Promise<readonly RuntimeFile[]>;
}

/** Starts helpers, each in a sandbox and for somebody. */
export function helperStarter(
  options: HelperStarterOptions,
): (spec: SandboxSpec, asker: Asker) => StartHelper {
  const { launcher, roots, runtimeFiles: filesOf = runtimeFiles, sandboxes } = options;
  const runtime = options.runtime ?? ownRuntime();
  let found: Promise<readonly RuntimeFile[]> | undefined;
  const files = (): Promise<readonly RuntimeFile[]> => {
    found ??= filesOf(runtime).catch((error: unknown) => {
      // It may have been for want of a descriptor.
      found = undefined;
      throw error;
    });
    return found;
  };
  return (spec, asker) => async (socket, signal) => {
    if (launcher.sandboxes !== true) {
      throw sandboxUnavailable('mechanism', '', 'this server has no sandboxes');
    }
    const mechanism = await sandboxes.mechanism('none');
    const confined = confinedSpec(spec, roots);
    const prepare = (wanted: SandboxSpec): Promise<PreparedSandbox> =>
      sandboxes.prepare(wanted, { cwd: undefined, asker });
    const plain = await prepare(confined);
    await plain.release();
    const prepared = await prepare(withRuntime(confined, await files(), plain));
    const sandbox = { mechanism, filter: sandboxes.filter('none'), prepared };
    try {
      signal.throwIfAborted();
      if (prepared.accessAt('/proc') === 'none') throw withoutProc();
    } catch (error) {
      await prepared.release();
      throw error;
    }
    const request = { ...requestFor(runtime, prepared.hasTemp, socket), sandbox, signal };
    return helperProcess(await launch(launcher, request));
  };
}

/** As this program runs, and the script that helpers do. */
function ownRuntime(): Runtime {
  return { program: process.execPath, script: fileURLToPath(agentScript('main-in-sandbox')) };
}

function requestFor({ program, script }: Runtime, hasTemp: boolean, socket: number): LaunchRequest {
  return {
    program,
    arg0: program,
    args: [`--max-old-space-size=${HELPER_HEAP_MIB}`, script],
    cwd: '/',
    // Nothing of the server's.
    env: new Map([['PATH', dirname(program)], ...(hasTemp ? [['TMPDIR', '/tmp'] as const] : [])]),
    stdin: { descriptor: socket },
    mergeStderr: true,
    terminal: undefined,
    limits: undefined,
  };
}

/** What is not visible of a runtime is a fault of ours, or a rule's. */
async function launch(launcher: Launcher, request: LaunchRequest): Promise<LaunchedProcess> {
  try {
    return await launcher.launch(request);
  } catch (error) {
    if (!(error instanceof RunletError) || error.reason !== 'START_FAILED') throw error;
    const { sandboxFailure, startFailure } = error.details;
    const { errnoName, message } = sandboxFailure ?? {
      errnoName: startFailure?.errnoName ?? '',
      message: `the helper for files could not be started: ${error.message}`,
    };
    throw sandboxUnavailable(sandboxFailure?.step ?? 'helper', errnoName, message);
  }
}

/** Characters of what a helper says that are kept. */
const MAX_TOLD = 1000;

function helperProcess(launched: LaunchedProcess): HelperProcess {
  const { exited, kin, output } = launched;
  let told = '';
  output.stdout?.on('data', (chunk: Buffer) => {
    told = `${told}${textOfBytes(chunk)}`.slice(-MAX_TOLD);
  });
  const kill = (): void => {
    if (kin?.kill !== undefined) kin.kill();
    else if (!launched.reaped()) signalProcess(launched.pid, constants.signals.SIGKILL);
  };
  const ended = exited.then(({ status }) => {
    for (const stream of Object.values(output)) stream.destroy();
    // It has started nothing: what is left is its first process, which ends by itself.
    kin?.release();
    const how = 'code' in status ? `code ${status.code}` : `signal ${status.signal}`;
    return told === '' ? how : `${how}: ${told}`;
  });
  return { ended, kill };
}

function withoutProc(): RunletError {
  return sandboxUnavailable('helper', '', 'a rule hides /proc, by which files are reached');
}
