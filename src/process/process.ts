import type { Readable } from 'node:stream';
import type { Clock, Timer } from '../clock.ts';
import { RunletError } from '../errors.ts';
import { Latch } from '../latch.ts';
import { DEFAULT_GRACE_MS, MIN_STDIN_WRITE_BYTES } from '../limits.ts';
import {
  type EndReason,
  type ExitStatus,
  OUTPUT_STREAMS,
  type OutputStream,
  type ResourceUsage,
  type StreamOffsets,
} from '../output/event.ts';
import type { EventCursor } from '../output/event-cursor.ts';
import { EventLog } from '../output/event-log.ts';
import type { Overflow, ReaderOptions } from '../output/event-log-options.ts';
import type { OutputStore } from '../output/output-store.ts';
import type { LaunchedProcess, ProcessEnd, TerminalSize } from './launcher.ts';
import { ProcessControl, type SignalScope } from './process-control.ts';
import { ProcessTree } from './process-tree.ts';
import { StdinPipe, type StdinWrite } from './stdin-pipe.ts';

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

/**
 * How far a process's life has come. Exit and closure are two facts: a process
 * that exited is closed only when its output streams reached their ends.
 */
export type ProcessPhase =
  | { readonly state: 'running' }
  | { readonly state: 'exited'; readonly exit: ProcessExit }
  | { readonly state: 'closed'; readonly exit: ProcessExit; readonly closure: ProcessClosure };

/** What a process is made with. */
export interface ProcessOptions {
  readonly id: string;
  readonly argv: readonly string[];
  readonly labels: ReadonlyMap<string, string>;
  readonly retainedBytes: number;
  readonly overflow: Overflow;
  readonly retentionMs: number;
  readonly timeoutMs: number | undefined;
  readonly drainTimeoutMs: number | undefined;
  readonly maxQueuedStdinBytes: number;
  readonly clock: Clock;
  readonly store: OutputStore;
  /** What the files of its output say that they are of. */
  readonly outputName: string;
  /** Its events are read once: see `EventLogOptions`. */
  readonly readOnce: boolean;
}

/** One process that was launched, from its start to its closure, and its log beyond that. */
export class Process {
  readonly id: string;
  readonly pid: number;
  readonly argv: readonly string[];
  readonly labels: ReadonlyMap<string, string>;
  readonly retentionMs: number;
  readonly overflow: Overflow;
  /** Milliseconds since 1970. */
  readonly startTime: number;
  /** It and what came of it. */
  readonly tree: ProcessTree;
  /** Opens when it exited. */
  readonly exited = new Latch();
  /** Opens when it is closed. */
  readonly closed = new Latch();

  readonly #clock: Clock;
  /** On the monotonic clock. */
  readonly #started: number;
  readonly #log: EventLog;
  readonly #stdin: StdinPipe | undefined;
  readonly #output: LaunchedProcess['output'];
  /** The streams that it has, and those that are still open. */
  readonly #streams: readonly OutputStream[];
  readonly #openStreams: Set<OutputStream>;
  readonly #resize: LaunchedProcess['resize'];
  #phase: ProcessPhase = { state: 'running' };
  #outputComplete = true;
  /** Who first asked a running process to end. */
  #endCause: EndReason | undefined;
  readonly #control: ProcessControl;
  readonly #drainTimeoutMs: number | undefined;
  /** Until it exits: its timeout. From then on: that of its output. */
  #timer: Timer | undefined;

  constructor(launched: LaunchedProcess, options: ProcessOptions) {
    const { clock } = options;
    this.id = options.id;
    this.pid = launched.pid;
    this.argv = options.argv;
    this.labels = options.labels;
    this.retentionMs = options.retentionMs;
    this.overflow = options.overflow;
    this.startTime = clock.now();
    this.#started = clock.monotonic();
    this.#clock = clock;
    this.#output = launched.output;
    this.#resize = launched.resize;
    this.#streams = OUTPUT_STREAMS.filter((stream) => launched.output[stream] !== undefined);
    this.#openStreams = new Set(this.#streams);
    this.tree = new ProcessTree(launched.pid, () => launched.reaped(), launched.kin);
    this.#control = new ProcessControl(
      this.tree,
      {
        reaped: () => launched.reaped(),
        exited: () => this.exited.isOpen,
        hasTerminal: this.hasTerminal,
      },
      clock,
    );
    this.#log = new EventLog({
      name: options.outputName,
      store: options.store,
      retainedBytes: options.retainedBytes,
      overflow: options.overflow,
      readOnce: options.readOnce,
      onFlow: (flowing) => this.#setFlowing(flowing),
    });
    this.#log.append({ kind: 'started', pid: launched.pid });
    this.#stdin =
      launched.stdin === undefined
        ? undefined
        : new StdinPipe(launched.stdin, {
            maxQueuedBytes: options.maxQueuedStdinBytes,
            minWriteBytes: MIN_STDIN_WRITE_BYTES,
            onClosed: () => this.#onStdinClosed(),
          });
    for (const stream of this.#streams) this.#follow(stream, launched.output[stream]);
    this.#drainTimeoutMs = options.drainTimeoutMs;
    this.#setTimer(options.timeoutMs, () => void this.terminate('timed-out', DEFAULT_GRACE_MS));
    void launched.exited.then((end) => this.#onExit(end));
  }

  /** How far its life has come. */
  get phase(): ProcessPhase {
    return this.#phase;
  }

  /** Whether it was started with a terminal. */
  get hasTerminal(): boolean {
    return this.#resize !== undefined;
  }

  /** Whether it was started with a stdin that can be written to. */
  get hasStdin(): boolean {
    return this.#stdin !== undefined;
  }

  /** The number of its latest event. */
  get lastSeq(): number {
    return this.#log.lastSeq;
  }

  /** Opens a cursor, as `EventLog.openCursor` does, which its owner must close. */
  openCursor(afterSeq: number, onClose?: () => void, reader?: ReaderOptions): EventCursor {
    return this.#log.openCursor(afterSeq, onClose, reader);
  }

  /** An event has arrived at the reader with an id, and all before it. Throws `SEQ_BEYOND_END`. */
  acknowledge(readerId: string, seq: number): void {
    this.#log.acknowledge(readerId, seq);
  }

  /**
   * Writes to its stdin; resolves with the bytes accepted in all once they are in the pipe.
   * Throws `STDIN_CLOSED`, `STDIN_OFFSET_GAP`, `LIMIT_EXCEEDED`.
   */
  writeStdin(write: StdinWrite, signal: AbortSignal): Promise<number> {
    if (this.#stdin === undefined) return Promise.reject(new RunletError('STDIN_CLOSED'));
    return this.#stdin.write(write, signal);
  }

  /**
   * Sends a signal, numbered as Linux does. Throws `PROCESS_EXITED`, `SIGNAL_DENIED`, and
   * `INVALID_REQUEST` if this machine has no such signal.
   */
  signal(linuxNumber: number, scope: SignalScope): Promise<void> {
    return this.#control.signal(linuxNumber, scope);
  }

  /**
   * Ends it and what came of it, as far as `scope` says: SIGTERM, a grace, SIGKILL. Resolves when
   * that is over. `cause` becomes the reason of its end, unless it ended or was being ended before.
   */
  async terminate(cause: EndReason, graceMs: number, scope: SignalScope = 'tree'): Promise<void> {
    if (this.#phase.state === 'running') this.#endCause ??= cause;
    await this.#control.terminate(graceMs, scope);
  }

  /**
   * Sets the size of its terminal.
   *
   * @throws RunletError `NO_TERMINAL`, `PROCESS_EXITED`
   */
  resizeTerminal(size: TerminalSize): void {
    if (this.#resize === undefined) throw new RunletError('NO_TERMINAL');
    if (!this.#openStreams.has('terminal')) throw new RunletError('PROCESS_EXITED');
    this.#resize(size);
  }

  /** No further reader will come: its output must not wait for one. */
  abandon(): void {
    this.#log.abandon();
  }

  /** Nobody can ask for it any more: gives back what its events took. */
  dispose(): void {
    this.#log.dispose();
  }

  /** Reads no more of its output: `closed` follows, and says that it is not complete. */
  cutOutput(): void {
    for (const stream of this.#openStreams) this.#output[stream]?.destroy();
  }

  #follow(stream: OutputStream, source: Readable | undefined): void {
    if (source === undefined) return;
    source.on('data', (data: Buffer) => {
      this.#log.appendOutput(stream, data);
      // Node resumes a child's streams when it exits, paused or not.
      if (!this.#log.flowing) source.pause();
    });
    // Told by 'close' together with all other ends.
    source.on('error', () => {});
    const over = (): void => {
      if (!this.#openStreams.delete(stream)) return;
      if (!source.readableEnded) this.#outputComplete = false;
      this.#closeIfOver();
    };
    // A turn of the event loop before 'close', which alone comes where it was cut.
    source.once('end', over);
    source.once('close', over);
  }

  #setFlowing(flowing: boolean): void {
    for (const stream of this.#openStreams) {
      if (flowing) this.#output[stream]?.resume();
      else this.#output[stream]?.pause();
    }
  }

  /** Sets the one timer that there is at a time; undefined: none. */
  #setTimer(delayMs: number | undefined, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = delayMs === undefined ? undefined : this.#clock.setTimer(delayMs, callback);
  }

  #onStdinClosed(): void {
    if (this.#phase.state === 'running') this.#log.append({ kind: 'stdin-closed' });
  }

  #onExit({ status, usage }: ProcessEnd): void {
    const reason = this.#endCause ?? ('signal' in status ? 'signaled' : 'exited');
    const wallMs = this.#clock.monotonic() - this.#started;
    const exit = { status, reason, time: this.#clock.now(), wallMs, usage };
    this.#phase = { state: 'exited', exit };
    this.#log.append({ kind: 'exited', status, reason, wallMs, usage });
    this.#stdin?.close();
    this.exited.open();
    this.#control.leaderExited();
    this.#setTimer(this.#drainTimeoutMs, () => this.cutOutput());
    this.#closeIfOver();
  }

  #closeIfOver(): void {
    if (this.#phase.state !== 'exited' || this.#openStreams.size > 0) return;
    this.#timer?.cancel();
    const totals = Object.fromEntries(
      this.#streams.map((stream) => [stream, this.#log.totals[stream]]),
    );
    const outputComplete = this.#outputComplete;
    const closure = { time: this.#clock.now(), totals, outputComplete };
    this.#phase = { state: 'closed', exit: this.#phase.exit, closure };
    this.#log.append({ kind: 'closed', totals, outputComplete });
    this.closed.open();
  }
}
