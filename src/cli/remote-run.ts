import { type Duration, durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import type { Client } from '@grpc/grpc-js';
import { createClient } from '../bridge/create-client.ts';
import { Inherit, Overflow, ProcessService } from '../gen/runlet/v1/process_pb.ts';
import { type Limits, ServerService } from '../gen/runlet/v1/server_pb.ts';
import { SessionService } from '../gen/runlet/v1/session_pb.ts';
import { signalNumber } from '../process/signals.ts';
import { runOnPipes } from './pipes-run.ts';
import type { RunSpec, RunStatus } from './run-process.ts';
import type { SignalRelay } from './signal-relay.ts';
import { runOnTerminal } from './terminal-run.ts';

/** What to run. */
export interface RemoteRun {
  readonly processId: string;
  readonly argv: readonly string[];
  /** Empty: the server's own. */
  readonly cwd: string;
  /** The whole environment; undefined: the server's core variables. */
  readonly env: ReadonlyMap<string, string> | undefined;
  /** Whether it gets a terminal. */
  readonly tty: boolean;
}

/** How long the process shall go on if we vanish without a word. */
const ORPHAN_TTL_MS = 10_000;

/**
 * Runs a process in a session of its own, joined to this process's standard
 * streams, and closes the session. Output is read no faster than ours is.
 */
export async function runRemote(
  connection: Client,
  run: RemoteRun,
  signals: SignalRelay,
): Promise<RunStatus> {
  const sessions = createClient(SessionService, connection);
  const processes = createClient(ProcessService, connection);
  const { limits } = await createClient(ServerService, connection).getServerInfo({});
  const { session } = await sessions.createSession({ detachedTtl: orphanTtl(limits) });
  const target = { sessionId: session?.sessionId ?? '', processId: run.processId };
  const forward = (signal: NodeJS.Signals): void => {
    // It may have ended meanwhile, which is no matter.
    processes.signalProcess({ ...target, signal: signalNumber(signal) }).catch(() => {});
  };
  try {
    const runProcess = run.tty ? runOnTerminal : runOnPipes;
    return await runProcess(processes, target, specOf(run), () => signals.passTo(forward));
  } finally {
    signals.passTo(undefined);
    // One that cannot be closed expires; what there is to say of the process is known by now.
    await sessions.closeSession({ sessionId: target.sessionId }).catch(() => {});
  }
}

function specOf(run: RemoteRun): RunSpec {
  return {
    argv: [...run.argv],
    cwd: run.cwd,
    output: { overflow: Overflow.PAUSE },
    ...(run.env === undefined
      ? { envPolicy: { inherit: Inherit.CORE } }
      : { env: Object.fromEntries(run.env) }),
  };
}

/** How long the process goes on if we vanish: as near to what we want as the server allows. */
function orphanTtl(limits: Limits | undefined): Duration {
  const least = limits?.minDetachedTtl;
  const most = limits?.maxDetachedTtl;
  const ms = Math.max(ORPHAN_TTL_MS, least === undefined ? 0 : durationMs(least));
  return durationFromMs(Math.min(ms, most === undefined ? ms : durationMs(most)));
}
