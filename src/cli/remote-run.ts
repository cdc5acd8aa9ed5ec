import { setTimeout } from 'node:timers/promises';
import type { ProcessExit, ProcessSpec, RemoteProcess, RunletClient } from '../client/index.ts';
import { type EventSink, lineSink, outputSink } from './event-sink.ts';
import { enterRawMode, findOwnTerminal, type OwnTerminal } from './own-terminal.ts';
import type { SignalRelay } from './signal-relay.ts';
import { feedStandardInput } from './standard-input.ts';

/** What to run, and how it is joined to us. */
export interface RemoteRun {
  readonly spec: ProcessSpec;
  /** How long it goes on if we vanish, and may be away, in milliseconds. */
  readonly orphanMs: number;
  /** Whether events are printed as lines of JSON. */
  readonly json: boolean;
}

/** How long the closing of a session whose process has ended may take. */
const CLOSE_MS = 1_000;

/**
 * Runs a process in a session of its own, joined to this process's standard streams,
 * and closes the session. Output is read no faster than ours is.
 */
export async function runRemote(
  client: RunletClient,
  { json, orphanMs, spec }: RemoteRun,
  signals: SignalRelay,
): Promise<ProcessExit> {
  // Not attached: nothing but the process itself ends what is read of it.
  const session = await client.session({ detachedTtlMs: orphanMs, ifAttached: 'share' });
  const onTerminal = spec.terminal !== undefined;
  let exit: ProcessExit | undefined;
  try {
    const process: RemoteProcess = await session.start({
      ...spec,
      overflow: 'pause',
      ...(onTerminal ? {} : { stdin: 'pipe' }),
    });
    // It may have ended meanwhile, which is no matter.
    signals.passTo((signal) => void process.kill(signal).catch(() => {}));
    const sink = json ? lineSink() : outputSink();
    const own = onTerminal && !json ? findOwnTerminal() : undefined;
    const leaveRawMode = onTerminal && !json ? enterRawMode() : () => {};
    try {
      void feedStandardInput(process.stdin);
      if (own !== undefined) void passSizes(own, process);
      exit = await follow(process, sink, onTerminal);
      return exit;
    } finally {
      leaveRawMode();
    }
  } finally {
    signals.passTo(undefined);
    // One that cannot be closed expires. Where the end of the process is known there is nothing
    // to come back for if the server went away meanwhile.
    const closed = session.close().catch(() => {});
    await (exit === undefined ? closed : Promise.race([closed, setTimeout(CLOSE_MS)]));
  }
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
