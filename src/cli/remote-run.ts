import { type Duration, durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import type { Client } from '@grpc/grpc-js';
import { isCallError } from '../client/call-error.ts';
import { type ExitStatus, OutputStream } from '../gen/runlet/v1/event_pb.ts';
import { Inherit, Overflow, ProcessService, StdinMode } from '../gen/runlet/v1/process_pb.ts';
import { type Limits, ServerService } from '../gen/runlet/v1/server_pb.ts';
import { SessionService } from '../gen/runlet/v1/session_pb.ts';
import { signalNumber } from '../process/signals.ts';
import { createClient } from '../server/bridge/create-client.ts';
import type { SignalRelay } from './signal-relay.ts';
import { openStandardOutput, type StandardOutput } from './standard-output.ts';

/** What to run. */
export interface RemoteRun {
  readonly processId: string;
  readonly argv: readonly string[];
  /** Empty: the server's own. */
  readonly cwd: string;
  /** The whole environment; undefined: the server's core variables. */
  readonly env: ReadonlyMap<string, string> | undefined;
}

/** How it ended. Signals are numbered as Linux does. */
export type RunStatus = { readonly code: number } | { readonly signal: number };

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
    await processes.startProcess({
      ...target,
      spec: {
        argv: [...run.argv],
        cwd: run.cwd,
        stdin: StdinMode.PIPE,
        output: { overflow: Overflow.PAUSE },
        ...(run.env === undefined
          ? { envPolicy: { inherit: Inherit.CORE } }
          : { env: Object.fromEntries(run.env) }),
      },
    });
    signals.passTo(forward);
    void feedStdin((write) => processes.writeStdin({ ...target, ...write }));
    return await copyOutput(processes.watchProcess(target));
  } finally {
    signals.passTo(undefined);
    await sessions.closeSession({ sessionId: target.sessionId });
  }
}

/** How long the process goes on if we vanish: as near to what we want as the server allows. */
function orphanTtl(limits: Limits | undefined): Duration {
  const least = limits?.minDetachedTtl;
  const most = limits?.maxDetachedTtl;
  const ms = Math.max(ORPHAN_TTL_MS, least === undefined ? 0 : durationMs(least));
  return durationFromMs(Math.min(ms, most === undefined ? ms : durationMs(most)));
}

interface StdinChunk {
  readonly offset: bigint;
  readonly data?: Uint8Array;
  readonly eof?: boolean;
}

/** Copies our stdin to the process's, as fast as it reads. Never rejects. */
async function feedStdin(write: (chunk: StdinChunk) => Promise<unknown>): Promise<void> {
  let offset = 0n;
  try {
    for await (const data of process.stdin as AsyncIterable<Buffer>) {
      await write({ offset, data });
      offset += BigInt(data.byteLength);
    }
    await write({ offset, eof: true });
  } catch (error) {
    // A process need not read its stdin; and if it cannot be written to for
    // another reason, the calls that matter fail too and say so.
    if (!isCallError(error)) process.stderr.write(`runlet: standard input: ${String(error)}\n`);
  }
}

async function copyOutput(
  responses: ReturnType<ReturnType<typeof createClient<typeof ProcessService>>['watchProcess']>,
): Promise<RunStatus> {
  const outputs: Partial<Record<OutputStream, StandardOutput>> = {
    [OutputStream.STDOUT]: openStandardOutput(1),
    [OutputStream.STDERR]: openStandardOutput(2),
  };
  let status: RunStatus | undefined;
  for await (const { events } of responses) {
    for (const { event } of events) {
      if (event.case === 'output') {
        await outputs[event.value.stream]?.write(event.value.data);
      } else if (event.case === 'exited') {
        status = statusOf(event.value.status);
      }
    }
  }
  if (status === undefined) throw new Error('the process was closed without an exit');
  return status;
}

function statusOf(status: ExitStatus | undefined): RunStatus {
  const how = status?.status;
  if (how?.case === 'signal') return { signal: how.value };
  if (how?.case === 'code') return { code: how.value };
  throw new Error('the server said nothing of how the process ended');
}
