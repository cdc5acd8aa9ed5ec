import { setTimeout } from 'node:timers/promises';
import { isatty } from 'node:tty';
import type {
  ProcessExit,
  ProcessSpec,
  RemoteProcess,
  RemoteSession,
  RunletClient,
} from '../client/index.ts';
import { systemClock } from '../clock.ts';
import { type EventSink, lineSink, outputSink } from './event-sink.ts';
import { namingStart } from './named-error.ts';
import { OutputPatience, OutputStuckError } from './output-patience.ts';
import { enterRawMode, findOwnTerminal, type OwnTerminal } from './own-terminal.ts';
import { outputsAreSame } from './same-output.ts';
import type { SignalRelay } from './signal-relay.ts';
import { feedStandardInput } from './standard-input.ts';
import { CTRL_C } from './terminal-keys.ts';
import { undoingSink } from './terminal-undo.ts';

/** What to run, and how it is joined to us. */
export interface RemoteRun {
  readonly spec: ProcessSpec;
  /** Its id; undefined: one is made. */
  readonly id?: string | undefined;
  /** The session to run it in, which goes on; undefined: one of its own. */
  readonly session?: RemoteSession | undefined;
  /** How long it goes on if we vanish, and may be away, in milliseconds. */
  readonly orphanMs: number;
  /** Whether events are printed as lines of JSON. */
  readonly json: boolean;
  /** Whether what comes on our standard input is passed on to it. */
  readonly feeds: boolean;
}

/**
 * Bytes of output that may wait for a terminal: after Ctrl-C they are all still shown. Others
 * are written to as fast as can be.
 */
const TERMINAL_AHEAD_BYTES = 128 * 1024;

/** How long the closing of a session whose process has ended may take. */
const CLOSE_MS = 1_000;

/**
 * Runs a process, joined to this process's standard streams, and closes its session, if that is
 * its own. Output is read no faster than ours is.
 */
export async function runRemote(
  client: RunletClient,
  { feeds, id, json, orphanMs, session: given, spec }: RemoteRun,
  signals: SignalRelay,
): Promise<ProcessExit> {
  // Not attached: nothing but the process itself ends what is read of it.
  const onTerminal = spec.terminal !== undefined;
  const [session, mergeStderr] = await Promise.all([
    given ?? client.session({ detachedTtlMs: orphanMs, ifAttached: 'share' }),
    !onTerminal && !json && outputsAreSame() && canMerge(client),
  ]);
  let exit: ProcessExit | undefined;
  let stuck = false;
  try {
    const starting = session.start(
      {
        ...spec,
        overflow: 'pause',
        mergeStderr: spec.mergeStderr === true || mergeStderr,
        ...(isatty(1) ? { retainedBytes: TERMINAL_AHEAD_BYTES } : {}),
        ...(onTerminal || !feeds ? {} : { stdin: 'pipe' }),
      },
      id === undefined ? {} : { id },
    );
    const process: RemoteProcess = await namingStart(spec, starting);
    const patience = new OutputPatience(systemClock);
    signals.passTo(async (signal) => {
      // It may have ended meanwhile, which is no matter.
      const sent = process.kill(signal).catch(() => {});
      if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') patience.asked(signal, process.exited);
      await sent;
    });
    const { sink, undo } = undoingSink(patience.watch(json ? lineSink() : outputSink()));
    const own = onTerminal && !json ? findOwnTerminal() : undefined;
    const leaveRawMode = onTerminal && !json ? enterRawMode() : () => {};
    try {
      const filter = (data: Buffer): Buffer => {
        if (onTerminal && data.includes(CTRL_C)) patience.interrupted(process.exited);
        return data;
      };
      if (feeds) void feedStandardInput(process.stdin, { filter });
      if (own !== undefined) void passSizes(own, process);
      exit = await follow(process, sink, onTerminal);
      return exit;
    } catch (error) {
      // What would not end for our signal must not keep us.
      stuck = error instanceof OutputStuckError;
      if (stuck) {
        const killed = process.kill('SIGKILL', { scope: 'tree' }).catch(() => {});
        await Promise.race([killed, setTimeout(CLOSE_MS)]);
      }
      throw error;
    } finally {
      if (own !== undefined && isatty(1)) await undo();
      leaveRawMode();
    }
  } finally {
    signals.passTo(undefined);
    // One that cannot be closed expires. Where the end of the process is known there is nothing
    // to come back for if the server went away meanwhile.
    const closed = given === undefined ? session.close().catch(() => {}) : session.detach();
    const known = exit !== undefined || stuck;
    await (known ? Promise.race([closed, setTimeout(CLOSE_MS)]) : closed);
  }
}

/** Whether a server can give a process one pipe for its standard output and standard error. */
async function canMerge(client: RunletClient): Promise<boolean> {
  const info = await client.info().catch(() => undefined);
  return info?.capabilities.mergeStderr ?? false;
}

async function follow(
  process: RemoteProcess,
  sink: EventSink,
  onTerminal: boolean,
): Promise<ProcessExit> {
  let exit: ProcessExit | undefined;
  for await (const event of process.events()) {
    await sink(event);
    if (event.kind !== 'exited') continue;
    exit = event;
    // As where a terminal is hung up: what a shell left in the background would hold ours,
    // with nobody there to be typed to. It has nothing to outlive the session for.
    if (onTerminal) process.terminate().catch(() => {});
  }
  if (exit === undefined) throw new Error('the process was closed without an exit');
  return exit;
}

/** Gives the terminal of a process the size of ours, now and whenever it changes. Never ends. */
export async function passSizes(own: OwnTerminal, process: RemoteProcess): Promise<void> {
  // It may have ended meanwhile, which is no matter.
  for await (const size of own.sizes()) await process.resize(size).catch(() => {});
}
