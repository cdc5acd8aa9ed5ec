import { TEXT_OVERHEAD_BYTES } from '../limits.ts';
import type {
  EndReason,
  ExitStatus,
  LifecycleEvent,
  OutputStream,
  ResourceUsage,
  StreamOffsets,
} from '../output/event.ts';
import type { ProcessEnd } from './launcher.ts';
import type { ProcessSpec } from './process-spec.ts';

/*
 * What is known of a process, as plain data that is never changed, and what becomes of it, as
 * functions without side effects. docs/design.md draws the life of a process.
 */

/** A moment on both clocks, in milliseconds. */
export interface Moment {
  /** Since 1970. */
  readonly time: number;
  /** On the monotonic clock. */
  readonly monotonic: number;
}

/** How a process ended. */
export interface ProcessExit {
  readonly status: ExitStatus;
  readonly reason: EndReason;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** From its start, in milliseconds. */
  readonly wallMs: number;
  /** Undefined where the launcher cannot tell. */
  readonly usage: ResourceUsage | undefined;
}

/** How the reading of its output ended. */
export interface ProcessClosure {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The bytes that were read from each stream that it has. */
  readonly totals: Partial<StreamOffsets>;
  /** Whether each was read to its end. */
  readonly outputComplete: boolean;
}

/** How far the reading of its output has come; `Open` are the streams that have not ended. */
interface OutputProgress<Open extends readonly OutputStream[]> {
  readonly open: Open;
  /** The bytes that were read from each of the others. */
  readonly totals: Partial<StreamOffsets>;
  /** Whether each of the others was read to its end. */
  readonly complete: boolean;
}

/**
 * How far a process's life has come. Exit and closure are two facts: a process
 * that exited is closed only when its output streams reached their ends.
 */
export type ProcessPhase =
  | {
      readonly state: 'running';
      readonly output: OutputProgress<readonly OutputStream[]>;
      /** For what it was first asked to end; undefined: it was not. */
      readonly endCause: EndReason | undefined;
    }
  | {
      readonly state: 'exited';
      readonly exit: ProcessExit;
      /** At least one stream is open: it would be closed otherwise. */
      readonly output: OutputProgress<readonly [OutputStream, ...OutputStream[]]>;
    }
  | { readonly state: 'closed'; readonly exit: ProcessExit; readonly closure: ProcessClosure };

/** The streams that a process writes to: its terminal, or pipes, of which one may be both. */
export type ProcessStreams =
  | readonly ['terminal']
  | readonly ['stdout']
  | readonly ['stdout', 'stderr'];

/** What stays known of what was asked for: the rest may hold secrets, and is not needed any more. */
export type KeptSpec = Pick<ProcessSpec, 'argv' | 'labels' | 'overflow' | 'retentionMs'>;

/** What is known of a process that was launched. */
export interface ProcessRecord extends KeptSpec {
  readonly id: string;
  readonly pid: number;
  readonly started: Moment;
  readonly streams: ProcessStreams;
  /** Whether it was started with a stdin that can be written to. */
  readonly hasStdin: boolean;
  /** What enforces its sandbox. Absent: it runs in none. */
  readonly sandbox?: string | undefined;
  readonly phase: ProcessPhase;
}

/** What can happen to a process. */
export type ProcessInput =
  /** Somebody wants it to end. */
  | { readonly kind: 'end-asked'; readonly cause: EndReason }
  /** No more is read from a stream. */
  | {
      readonly kind: 'stream-over';
      readonly stream: OutputStream;
      /** What was read from it. */
      readonly bytes: number;
      /** It was read to its end. */
      readonly complete: boolean;
      readonly at: Moment;
    }
  /** The system has told how it ended. */
  | { readonly kind: 'reaped'; readonly end: ProcessEnd; readonly at: Moment };

/** The record of a process that was launched just now. */
export function newRecord(facts: Omit<ProcessRecord, 'phase'>): ProcessRecord {
  const output = { open: facts.streams, totals: {}, complete: true };
  return { ...facts, phase: { state: 'running', output, endCause: undefined } };
}

/** What becomes of a record; the same one if nothing does. */
export function nextRecord(record: ProcessRecord, input: ProcessInput): ProcessRecord {
  const phase = nextPhase(record, input);
  return phase === record.phase ? record : { ...record, phase };
}

function nextPhase({ phase, started }: ProcessRecord, input: ProcessInput): ProcessPhase {
  switch (input.kind) {
    case 'end-asked':
      if (phase.state !== 'running' || phase.endCause !== undefined) return phase;
      return { ...phase, endCause: input.cause };
    case 'stream-over': {
      if (phase.state === 'closed' || !phase.output.open.includes(input.stream)) return phase;
      const output = withoutStream(phase.output, input);
      if (phase.state === 'running') return { ...phase, output };
      return exitedOrClosed(phase.exit, output, input.at);
    }
    case 'reaped': {
      if (phase.state !== 'running') return phase;
      const { status, usage } = input.end;
      const reason = phase.endCause ?? ('signal' in status ? 'signaled' : 'exited');
      const wallMs = input.at.monotonic - started.monotonic;
      const exit = { status, reason, time: input.at.time, wallMs, usage };
      return exitedOrClosed(exit, phase.output, input.at);
    }
  }
}

function withoutStream(
  output: OutputProgress<readonly OutputStream[]>,
  { bytes, complete, stream }: Extract<ProcessInput, { readonly kind: 'stream-over' }>,
): OutputProgress<readonly OutputStream[]> {
  return {
    open: output.open.filter((other) => other !== stream),
    totals: { ...output.totals, [stream]: bytes },
    complete: output.complete && complete,
  };
}

function exitedOrClosed(
  exit: ProcessExit,
  { complete, open, totals }: OutputProgress<readonly OutputStream[]>,
  { time }: Moment,
): ProcessPhase {
  const [first, ...others] = open;
  if (first === undefined) {
    return { state: 'closed', exit, closure: { time, totals, outputComplete: complete } };
  }
  return { state: 'exited', exit, output: { open: [first, ...others], totals, complete } };
}

/** Whether a process was started with a terminal. */
export function hasTerminal({ streams }: ProcessRecord): boolean {
  return streams[0] === 'terminal';
}

/** Whether a stream of a process has not ended yet. */
export function isOpen({ phase }: ProcessRecord, stream: OutputStream): boolean {
  return phase.state !== 'closed' && phase.output.open.includes(stream);
}

/** How readers are told of an exit. */
export function exitedEvent({ reason, status, usage, wallMs }: ProcessExit): LifecycleEvent {
  return { kind: 'exited', status, reason, wallMs, usage };
}

/** How readers are told of a closure. */
export function closedEvent({ outputComplete, totals }: ProcessClosure): LifecycleEvent {
  return { kind: 'closed', totals, outputComplete };
}

/** What is kept of a spec for as long as its process is known. Characters have a byte, or two. */
export function descriptionBytes({ argv, labels }: Pick<KeptSpec, 'argv' | 'labels'>): number {
  let bytes = 0;
  for (const text of argv) bytes += TEXT_OVERHEAD_BYTES + 2 * text.length;
  for (const [key, value] of labels) {
    bytes += 2 * TEXT_OVERHEAD_BYTES + 2 * (key.length + value.length);
  }
  return bytes;
}
