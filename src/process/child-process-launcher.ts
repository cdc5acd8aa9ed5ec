import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ExitStatus } from '../output/event.ts';
import type { LaunchedProcess, Launcher, LaunchRequest } from './launcher.ts';
import { signalNumber } from './signals.ts';
import { errnoName, spawnStage, startFailure } from './start-failure.ts';

/**
 * Turns of the event loop that an exit waits at most for output to fall quiet:
 * a descendant that writes without end must not hold it back.
 */
const MAX_QUIET_TURNS = 16;

/** Launches through Node's own `child_process`: portable, and a fork of the server. */
export const childProcessLauncher: Launcher = {
  name: 'child_process',

  async launch(request: LaunchRequest): Promise<LaunchedProcess> {
    const child = spawnChild(request);
    const { pid, stdin, stdout, stderr } = child;
    if (pid === undefined || stdout === null || stderr === null) {
      // Node reports this kind of failure by an event in the next tick.
      throw failure(await new Promise((resolve) => child.once('error', resolve)));
    }
    // Emitted again if a signal cannot be sent; `signals.ts` sends them, not the child object.
    child.on('error', () => {});
    return {
      pid,
      stdin: stdin ?? undefined,
      output: { stdout, stderr },
      exited: exitOf(child, [stdout, stderr]),
    };
  },
};

function spawnChild(request: LaunchRequest): ChildProcess {
  const stdin = request.stdin === 'pipe' ? 'pipe' : 'ignore';
  const stdio: StdioOptions = [stdin, 'pipe', 'pipe'];
  try {
    return spawn(request.program, request.args, {
      argv0: request.arg0,
      cwd: request.cwd,
      // Node passes this one on by itself unless it is named.
      env: { NODE_V8_COVERAGE: undefined, ...Object.fromEntries(request.env) },
      // setsid(2): a session and a group of its own.
      detached: true,
      stdio,
    });
  } catch (error) {
    throw failure(error);
  }
}

function failure(error: unknown): Error {
  const errno = errnoName(error);
  return startFailure(spawnStage(errno), errno, `the process could not be created: ${errno}`);
}

function exitOf(child: ChildProcess, streams: readonly Readable[]): Promise<ExitStatus> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      const status = signal === null ? { code: code ?? 0 } : { signal: signalNumber(signal) };
      whenQuiet(streams, () => resolve(status));
    });
  });
}

/**
 * Calls back once the event loop went through a whole turn without reading
 * anything from the streams. Node tells of an exit and of output in whichever
 * order the kernel's events come; what is in the pipe at exit was written
 * before it, and is read in the turns that this waits for.
 */
function whenQuiet(streams: readonly Readable[], callback: () => void): void {
  let active = true;
  let turns = 0;
  const onData = (): void => {
    active = true;
  };
  const open = streams.filter((stream) => !stream.readableEnded && !stream.isPaused());
  for (const stream of open) stream.on('data', onData);
  const look = (): void => {
    const waiting = active && turns < MAX_QUIET_TURNS && open.some((s) => !s.readableEnded);
    if (waiting) {
      active = false;
      turns += 1;
      setImmediate(look);
      return;
    }
    for (const stream of open) stream.removeListener('data', onData);
    callback();
  };
  setImmediate(look);
}
