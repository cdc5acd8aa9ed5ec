import { type Duration, durationMs, type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import type {
  ExitStatus,
  OutputTotal,
  ResourceUsage as ResourceUsageMessage,
} from '../gen/runlet/v1/event_pb.ts';
import type { Process as ProcessMessage } from '../gen/runlet/v1/process_pb.ts';
import type { Session as SessionMessage } from '../gen/runlet/v1/session_pb.ts';
import {
  END_REASONS,
  type EndReasonName,
  OUTPUT_STREAMS,
  type OutputStreamName,
  OVERFLOWS,
  type OverflowName,
  PROCESS_STATES,
  type ProcessStateName,
  type SignalName,
  signalName,
} from './names.ts';

/** What a process used, with those of its descendants that it waited for. */
export interface ResourceUsage {
  /** From its start to its exit, in milliseconds. */
  readonly wallMs: number;
  /** CPU time in its own code, in milliseconds; undefined: the server cannot tell. */
  readonly userMs: number | undefined;
  /** CPU time in the kernel for it, in milliseconds; undefined: the server cannot tell. */
  readonly systemMs: number | undefined;
  /** The most memory that it had at a time; undefined: the server cannot tell. */
  readonly peakResidentBytes: number | undefined;
}

/** How a process ended. */
export interface ProcessExit {
  /** Its exit code; null: a signal ended it. */
  readonly code: number | null;
  /** The signal that ended it; null: it exited, or the signal has no name. */
  readonly signal: SignalName | null;
  /** The Linux number of that signal; null: it exited. */
  readonly signalNumber: number | null;
  /** Why it ended. */
  readonly reason: EndReasonName;
  readonly usage: ResourceUsage;
}

/** How many bytes a process wrote to each stream that it has. */
export type OutputTotals = Readonly<Partial<Record<OutputStreamName, number>>>;

/** How a process ended, and its output with it. */
export interface ProcessClosure extends ProcessExit {
  readonly totals: OutputTotals;
  /** Whether every stream was read to its end. */
  readonly outputComplete: boolean;
}

/** How the terminal of a process is after its latest event. */
export interface TerminalState {
  readonly columns: number;
  readonly rows: number;
  /**
   * The modes that are in force, as control sequences that set a terminal nobody has set to
   * the same: the alternate screen, the mouse, bracketed paste and others.
   */
  readonly modes: Buffer;
}

/** A process as the server lists it. */
export interface ProcessInfo {
  readonly id: string;
  readonly sessionId: string;
  readonly state: ProcessStateName;
  /** Its number on the server's machine, for people. */
  readonly pid: number;
  /** What enforces its sandbox: `bubblewrap`. Empty: it runs in none. */
  readonly sandbox: string;
  /** U+FFFD stands for what is not UTF-8 of it. */
  readonly argv: readonly string[];
  /** The same as it was, where some of it is not UTF-8; undefined: `argv` is exact. */
  readonly rawArgv: readonly Buffer[] | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly startTime: Date;
  /** The number of its latest event. */
  readonly lastSeq: number;
  readonly hasTerminal: boolean;
  /** How its terminal is after that; undefined: it has none, or the server does not say. */
  readonly terminal: TerminalState | undefined;
  /** Whether it was started with a stdin that can be written to. */
  readonly hasStdin: boolean;
  /** What becomes of its output beyond what is retained; undefined: the server does not say. */
  readonly overflow: OverflowName | undefined;
  /** Once it has exited. */
  readonly exit: ProcessExit | undefined;
  readonly exitTime: Date | undefined;
  /** Once it is closed. */
  readonly closure: ProcessClosure | undefined;
  readonly closeTime: Date | undefined;
}

/** A session as the server lists it. */
export interface SessionInfo {
  readonly id: string;
  /** The name of the caller whose it is: `token:ci`. Empty: the server does not tell. */
  readonly owner: string;
  readonly createTime: Date;
  readonly labels: Readonly<Record<string, string>>;
  /** Processes that run, and those that are retained. */
  readonly processCount: number;
  /** How long it lives after the last call that named it, in milliseconds. */
  readonly detachedTtlMs: number;
  /** Whether a client is attached to it. */
  readonly attached: boolean;
}

/** A process, of a message. @internal */
export function processInfo(message: ProcessMessage): ProcessInfo {
  const { hasStdin, hasTerminal, labels, processId, sessionId, startTime } = message;
  const exit =
    message.status === undefined
      ? undefined
      : processExit(message.status, message.reason, message.usage);
  const closure =
    exit === undefined || message.closeTime === undefined
      ? undefined
      : {
          ...exit,
          totals: outputTotals(message.totals),
          outputComplete: message.outputComplete,
        };
  return {
    id: processId,
    sessionId,
    state: PROCESS_STATES.name(message.state) ?? 'running',
    pid: Number(message.pid),
    sandbox: message.sandbox,
    argv: message.argv,
    rawArgv:
      message.rawArgv.length === 0 ? undefined : message.rawArgv.map((part) => Buffer.from(part)),
    labels,
    startTime: dateOf(startTime) ?? new Date(0),
    lastSeq: Number(message.lastSeq),
    hasTerminal,
    terminal: terminalState(message),
    hasStdin,
    overflow: OVERFLOWS.name(message.overflow),
    exit,
    exitTime: dateOf(message.exitTime),
    closure,
    closeTime: dateOf(message.closeTime),
  };
}

function terminalState({ terminal }: ProcessMessage): TerminalState | undefined {
  if (terminal === undefined) return undefined;
  const { modes, size } = terminal;
  return { columns: size?.columns ?? 0, rows: size?.rows ?? 0, modes: Buffer.from(modes) };
}

/** A session, of a message. @internal */
export function sessionInfo(message: SessionMessage): SessionInfo {
  return {
    id: message.sessionId,
    owner: message.owner,
    createTime: dateOf(message.createTime) ?? new Date(0),
    labels: message.labels,
    processCount: message.processCount,
    detachedTtlMs: msOf(message.detachedTtl) ?? 0,
    attached: message.attached,
  };
}

/** How a process ended, of what its event or its message says. @internal */
export function processExit(
  { status }: ExitStatus,
  reason: number,
  usage: ResourceUsageMessage | undefined,
): ProcessExit {
  return {
    code: status.case === 'code' ? status.value : null,
    signal: status.case === 'signal' ? (signalName(status.value) ?? null) : null,
    signalNumber: status.case === 'signal' ? status.value : null,
    reason: END_REASONS.name(reason) ?? 'exited',
    usage: {
      wallMs: msOf(usage?.wallTime) ?? 0,
      userMs: msOf(usage?.userTime),
      systemMs: msOf(usage?.systemTime),
      peakResidentBytes: Number(usage?.peakResidentBytes ?? 0n) || undefined,
    },
  };
}

/** How much was written to each stream. @internal */
export function outputTotals(totals: readonly OutputTotal[]): OutputTotals {
  const result: Partial<Record<OutputStreamName, number>> = {};
  for (const { bytes, stream } of totals) {
    const name = OUTPUT_STREAMS.name(stream);
    if (name !== undefined) result[name] = Number(bytes);
  }
  return result;
}

/** A span in milliseconds; undefined if absent. @internal */
export function msOf(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : durationMs(duration);
}

/** A moment; undefined if absent. @internal */
export function dateOf(time: Timestamp | undefined): Date | undefined {
  return time === undefined ? undefined : timestampDate(time);
}
