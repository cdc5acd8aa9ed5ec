import type { Clock } from '../clock.ts';
import { RunletError } from '../errors.ts';
import { Latch } from '../latch.ts';
import { DEFAULT_GRACE_MS, MIN_STDIN_WRITE_BYTES } from '../limits.ts';
import type { EndReason } from '../output/event.ts';
import type { EventCursor } from '../output/event-cursor.ts';
import type { LogFigures, ReaderOptions } from '../output/event-log-options.ts';
import type { OutputStore } from '../output/output-store.ts';
import type { Meter } from '../telemetry/meter.ts';
import type { LaunchedProcess, ProcessNetwork, TerminalSize } from './launcher.ts';
import { LifeTimer } from './life-timer.ts';
import { ProcessControl, type SignalScope } from './process-control.ts';
import { ProcessOutput } from './process-output.ts';
import {
  closedEvent,
  exitedEvent,
  hasTerminal,
  isOpen,
  type KeptSpec,
  type Moment,
  newRecord,
  nextRecord,
  type ProcessClosure,
  type ProcessExit,
  type ProcessInput,
  type ProcessRecord,
  type ProcessStreams,
} from './process-record.ts';
import type { ProcessSpec } from './process-spec.ts';
import { type ProcessTerminal, terminalOf } from './process-terminal.ts';
import { ProcessTree } from './process-tree.ts';
import type { StdinBudget } from './stdin-budgets.ts';
import { StdinPipe, type StdinWrite } from './stdin-pipe.ts';

/** What a process is made with. */
export interface ProcessOptions
  extends KeptSpec,
    Pick<ProcessSpec, 'retainedBytes' | 'timeoutMs' | 'drainTimeoutMs'> {
  readonly id: string;
  readonly maxQueuedStdinBytes: number;
  /** What its stdin counts in besides. */
  readonly stdinBudget: StdinBudget;
  /** The size of its terminal at first; undefined: it has none. */
  readonly terminal: TerminalSize | undefined;
  readonly clock: Clock;
  readonly store: OutputStore;
  readonly meter: Meter;
  /** What the files of its output say that they are of. */
  readonly outputName: string;
  /** Whose share of the store its output takes. */
  readonly outputOwner: string;
  /** Its events are read once: see `EventLogOptions`. */
  readonly readOnce: boolean;
}

/**
 * One process that was launched, from its start to its closure, and its log beyond that. What
 * is known of it is its record; this does what each change of that asks for.
 */
export class Process {
  /** It and what came of it. */
  readonly tree: ProcessTree;
  /** How its terminal is after its latest event; undefined: it has none. */
  readonly terminal: ProcessTerminal | undefined;
  /** Its network namespace, as long as that stands; undefined: the server's. */
  readonly network: ProcessNetwork | undefined;
  /** Opens when it exited. */
  readonly exited = new Latch();
  /** Opens when it is closed. */
  readonly closed = new Latch();

  readonly #clock: Clock;
  readonly #meter: Meter;
  readonly #stdin: StdinPipe | undefined;
  readonly #output: ProcessOutput;
  readonly #control: ProcessControl;
  readonly #timer: LifeTimer;
  #record: ProcessRecord;

  constructor(launched: LaunchedProcess, options: ProcessOptions) {
    const { clock, meter } = options;
    this.#clock = clock;
    this.#meter = meter;
    this.#record = newRecord({
      id: options.id,
      pid: launched.pid,
      argv: options.argv,
      labels: options.labels,
      overflow: options.overflow,
      retentionMs: options.retentionMs,
      started: this.#now(),
      streams: streamsOf(launched),
      hasStdin: launched.stdin !== undefined,
      sandbox: launched.sandbox,
    });
    this.network = launched.network;
    this.tree = new ProcessTree(launched.pid, () => launched.reaped(), launched.kin);
    this.#control = new ProcessControl(
      this.tree,
      {
        reaped: () => launched.reaped(),
        exited: () => this.exited.isOpen,
        hasTerminal: hasTerminal(this.#record),
      },
      clock,
    );
    this.#output = new ProcessOutput(
      launched.output,
      {
        name: options.outputName,
        owner: options.outputOwner,
        store: options.store,
        retainedBytes: options.retainedBytes,
        overflow: options.overflow,
        readOnce: options.readOnce,
      },
      {
        onTerminal: (data) => this.terminal?.written(data),
        onOver: (end) => this.#advance({ kind: 'stream-over', ...end, at: this.#now() }),
      },
    );
    this.#output.log.append({ kind: 'started', pid: launched.pid, sandbox: launched.sandbox });
    this.terminal = terminalOf(options.terminal, launched, this.#output.log);
    this.#stdin =
      launched.stdin === undefined
        ? undefined
        : new StdinPipe(launched.stdin, {
            maxQueuedBytes: options.maxQueuedStdinBytes,
            budget: options.stdinBudget,
            minWriteBytes: MIN_STDIN_WRITE_BYTES,
            meter,
            onClosed: () => this.#onStdinClosed(),
          });
    this.#output.begin();
    this.#timer = new LifeTimer(clock, {
      running: {
        delayMs: options.timeoutMs,
        expire: () => void this.terminate('timed-out', DEFAULT_GRACE_MS),
      },
      exited: { delayMs: options.drainTimeoutMs, expire: () => this.cutOutput() },
    });
    this.#timer.enter('running');
    void launched.exited.then((end) => this.#advance({ kind: 'reaped', end, at: this.#now() }));
  }

  /** What is known of it now. */
  get record(): ProcessRecord {
    return this.#record;
  }

  /** Its id, which its record has too. */
  get id(): string {
    return this.#record.id;
  }

  /** The number of its latest event. */
  get lastSeq(): number {
    return this.#output.log.lastSeq;
  }

  /** What it wrote, what of that is kept, and how far its readers are behind. */
  get figures(): LogFigures {
    return this.#output.log.figures;
  }

  /** How many bytes its stdin was given. */
  get stdinBytes(): number {
    return this.#stdin?.accepted ?? 0;
  }

  /** Opens a cursor, as `EventLog.openCursor` does, which its owner must close. */
  openCursor(afterSeq: number, onClose?: () => void, reader?: ReaderOptions): EventCursor {
    return this.#output.log.openCursor(afterSeq, onClose, reader);
  }

  /**
   * An event has arrived at the reader with an id, and all before it. `done`: it reads no more.
   * Throws `SEQ_BEYOND_END`.
   */
  acknowledge(readerId: string, seq: number, done: boolean): void {
    this.#output.log.acknowledge(readerId, seq, done);
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
    this.#advance({ kind: 'end-asked', cause });
    await this.#control.terminate(graceMs, scope);
  }

  /**
   * Sets the size of its terminal.
   *
   * @throws RunletError `NO_TERMINAL`, `PROCESS_EXITED`
   */
  resizeTerminal(size: TerminalSize): void {
    if (this.terminal === undefined) throw new RunletError('NO_TERMINAL');
    this.terminal.resize(size, isOpen(this.#record, 'terminal'));
  }

  /** No further reader will come: its output must not wait for one. */
  abandon(): void {
    this.#output.log.abandon();
  }

  /** Nobody can ask for it any more: gives back what its events took. */
  dispose(): void {
    this.#output.log.dispose();
  }

  /** Reads no more of its output: `closed` follows, and says that it is not complete. */
  cutOutput(): void {
    this.#output.cut();
  }

  #now(): Moment {
    return { time: this.#clock.now(), monotonic: this.#clock.monotonic() };
  }

  /** The one place where its record changes. */
  #advance(input: ProcessInput): void {
    const before = this.#record.phase;
    this.#record = nextRecord(this.#record, input);
    const after = this.#record.phase;
    if (after.state === before.state) return;
    if (before.state === 'running' && after.state !== 'running') this.#onExit(after.exit);
    if (after.state === 'closed') this.#onClosed(after.closure);
    this.#timer.enter(after.state);
  }

  #onStdinClosed(): void {
    if (this.#record.phase.state === 'running') this.#output.log.append({ kind: 'stdin-closed' });
  }

  #onExit(exit: ProcessExit): void {
    this.#output.log.append(exitedEvent(exit));
    this.#meter.processEnded(exit.reason);
    this.#stdin?.close();
    this.exited.open();
    this.#control.leaderExited();
  }

  #onClosed(closure: ProcessClosure): void {
    this.#output.log.append(closedEvent(closure));
    this.closed.open();
  }
}

function streamsOf({ output }: LaunchedProcess): ProcessStreams {
  if (output.terminal !== undefined) return ['terminal'];
  return output.stderr === undefined ? ['stdout'] : ['stdout', 'stderr'];
}
