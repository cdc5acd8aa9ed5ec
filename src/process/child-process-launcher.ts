import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { LaunchedProcess, Launcher, LaunchRequest, ProcessEnd } from './launcher.ts';
import { quiet } from './output-quiet.ts';
import { signalNumber } from './signals.ts';
import { errnoName, spawnFailure } from './start-failure.ts';

/** Launches through Node's own `child_process`: portable, and a fork of the server. */
export const childProcessLauncher: Launcher = {
  name: 'child_process',
  terminals: false,
  limits: false,
  mergesStderr: false,
  // Node.js makes UTF-8 of all that it hands on.
  bytes: false,
  tree: 'parents',

  async launch(request: LaunchRequest): Promise<LaunchedProcess> {
    const child = spawnChild(request);
    const { pid, stdin, stdout, stderr } = child;
    if (pid === undefined || stdout === null || stderr === null) {
      // Node reports this kind of failure by an event in the next tick.
      throw spawnFailure(errnoName(await new Promise((resolve) => child.once('error', resolve))));
    }
    // Emitted again if a signal cannot be sent; `signals.ts` sends them, not the child object.
    child.on('error', () => {});
    return {
      pid,
      kin: undefined,
      stdin: stdin ?? undefined,
      output: { stdout, stderr },
      resize: undefined,
      exited: exitOf(child, [stdout, stderr]),
      reaped: () => child.exitCode !== null || child.signalCode !== null,
    };
  },
};

function spawnChild(request: LaunchRequest): ChildProcess {
  const { stdin } = request;
  const kinds = { closed: 'ignore', pipe: 'pipe', shared: 'inherit' } as const;
  const first = typeof stdin === 'object' ? stdin.descriptor : kinds[stdin];
  const stdio: StdioOptions = [first, 'pipe', 'pipe'];
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
    throw spawnFailure(errnoName(error));
  }
}

async function exitOf(child: ChildProcess, streams: readonly Readable[]): Promise<ProcessEnd> {
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('exit', (...how) => resolve(how));
  });
  await quiet(streams);
  const status = signal === null ? { code: code ?? 0 } : { signal: signalNumber(signal) };
  // Node does not tell what it used.
  return { status, usage: undefined };
}
