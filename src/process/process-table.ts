import type { Clock, Timer } from '../clock.ts';
import { limitExceeded, RunletError } from '../errors.ts';
import { CLOSE_WAIT_MS, DEFAULT_GRACE_MS, MAX_TOMBSTONES } from '../limits.ts';
import type { EndReason } from '../output/event.ts';
import type { EventCursor } from '../output/event-cursor.ts';
import type { ReaderOptions } from '../output/event-log-options.ts';
import { Tombstones } from '../tombstones.ts';
import { within } from '../within.ts';
import type { LeftBehind } from './left-behind.ts';
import type { Process } from './process.ts';
import type { ProcessHost } from './process-host.ts';
import type { ProcessSpec } from './process-spec.ts';
import type { StartGuard } from './start-guard.ts';

/** What a request to start a process is recognised by when it is retried. */
interface RequestKey {
  /** Empty: one is made. */
  readonly processId: string;
  /** Empty: the call is not to be recognised when it is retried. */
  readonly requestId: string;
  /** The same for two requests if, and only if, their specs are the same. */
  readonly fingerprint: string;
}

/** Asks for a process. */
export interface StartRequest extends RequestKey {
  readonly spec: ProcessSpec;
  /** Says whether it may be started, unless it was before. Default: it may. */
  readonly guard?: StartGuard;
}

/** Something that happened to a process of a table. */
export type ProcessEvent =
  | {
      readonly kind: 'process-started' | 'process-exited' | 'process-closed';
      readonly process: Process;
    }
  | { readonly kind: 'process-evicted'; readonly processId: string };

/** What a table is made with. */
export interface ProcessTableOptions {
  /** The session that they are of. */
  readonly owner: string;
  /** The name of the principal that they count for. */
  readonly principal: string;
  /** Readers that one of them may have at one time. */
  readonly maxWatchers: number;
  readonly host: ProcessHost;
  readonly clock: Clock;
  /** Makes an id that was never used. */
  readonly newId: () => string;
  /** Told of everything that happens, as it happens. */
  readonly onEvent: (event: ProcessEvent) => void;
}

/** What is known of an id that is in use. */
interface Entry {
  readonly id: string;
  /** Without the spec, which may hold secrets and is not needed any more. */
  readonly key: RequestKey;
  /** In the order of starts, for listings. */
  readonly ordinal: number;
  readonly started: Promise<Process>;
  /** Absent while it is being started. */
  process?: Process;
  /** Runs from closure. */
  retention?: Timer;
  /** Retention is over; it stays for those in `readers`. */
  expired: boolean;
  /** Readers, each of which began before its retention was over, or beside one that did. */
  readonly readers: Set<EventCursor>;
}

/**
 * The processes of one session by their ids: starts that are safe to retry, and
 * retention, which is counted from closure and cuts no reader short.
 */
export class ProcessTable {
  readonly #options: ProcessTableOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #byRequest = new Map<string, Entry>();
  /** Evicted ids. */
  readonly #evicted = new Tombstones(MAX_TOMBSTONES);
  /** Requests whose processes were evicted: a retry must not run them again. */
  readonly #evictedRequests = new Tombstones(MAX_TOMBSTONES);
  /** What evicted processes may have left running. */
  readonly #leftBehind: LeftBehind;
  #nextOrdinal = 1;
  #closed = false;

  constructor(options: ProcessTableOptions) {
    this.#options = options;
    this.#leftBehind = options.host.collectLeftBehind();
  }

  /** How many processes it holds. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether one of them is not closed yet. */
  get areUnderWay(): boolean {
    for (const { process } of this.#entries.values()) if (!process?.closed.isOpen) return true;
    return false;
  }

  /**
   * Starts a process, or returns the one that the same request started.
   *
   * @throws RunletError `PROCESS_EXISTS`, `REQUEST_MISMATCH`, `PROCESS_EVICTED`,
   *   and what `ProcessHost.start` throws
   */
  async start(request: StartRequest): Promise<Process> {
    this.#assertOpen();
    const { requestId } = request;
    if (requestId !== '') {
      const earlier = this.#byRequest.get(requestId);
      if (earlier !== undefined) {
        assertSameRequest(earlier.key, request);
        return earlier.started;
      }
      if (this.#evictedRequests.has(requestId)) throw new RunletError('PROCESS_EVICTED');
    }
    const id = request.processId === '' ? this.#options.newId() : request.processId;
    if (this.#entries.has(id)) throw new RunletError('PROCESS_EXISTS');
    return this.#begin(id, request).started;
  }

  /**
   * The process with an id.
   *
   * @throws RunletError `PROCESS_NOT_FOUND`, `PROCESS_EVICTED`
   */
  get(id: string): Process {
    return this.#find(id).process;
  }

  /**
   * Opens a cursor on a process's events; it holds back the eviction until it is
   * closed, which its owner must do.
   *
   * @throws RunletError `PROCESS_NOT_FOUND`, `PROCESS_EVICTED`, `SEQ_BEYOND_END`, `LIMIT_EXCEEDED`
   */
  openCursor(id: string, afterSeq: number, reader?: ReaderOptions): EventCursor {
    const { entry, process } = this.#find(id);
    const { maxWatchers } = this.#options;
    if (entry.readers.size >= maxWatchers) throw limitExceeded('max_process_watchers', maxWatchers);
    const onClose = (): void => {
      if (!entry.readers.delete(cursor)) return;
      if (this.#closed) this.#releaseIfUnread(entry);
      else this.#evictIfOver(entry);
    };
    const cursor = process.openCursor(afterSeq, onClose, reader);
    // Also one that comes late, while another holds it: it is to have the end, too.
    entry.readers.add(cursor);
    return cursor;
  }

  /** Processes in the order of their starts, each with its place, after the place `after`. */
  *list(after: number): Generator<{ readonly ordinal: number; readonly process: Process }> {
    for (const { ordinal, process } of this.#entries.values()) {
      if (ordinal > after && process !== undefined) yield { ordinal, process };
    }
  }

  /**
   * Ends every process, those being started included, for the reason `cause`, and
   * forgets them all. Readers under way go on to the end. Resolves when all are
   * closed or their output was cut. Never rejects.
   */
  async close(cause: EndReason): Promise<void> {
    this.#closed = true;
    const { clock, host } = this.#options;
    const entries = [...this.#entries.values()];
    await Promise.all([
      this.#leftBehind.end(DEFAULT_GRACE_MS),
      ...entries.map(async (entry) => {
        // One that comes later, or never, is not wanted any more: the host ends it.
        const started = entry.started.catch(() => undefined);
        const process = await within(started, clock, CLOSE_WAIT_MS);
        if (process === undefined) return;
        await process.terminate(cause, DEFAULT_GRACE_MS);
        await host.closeOut(process, CLOSE_WAIT_MS);
        this.#forget(entry);
      }),
    ]);
  }

  #assertOpen(): void {
    if (this.#closed) throw new RunletError('SESSION_NOT_FOUND');
  }

  #find(id: string): { entry: Entry; process: Process } {
    const entry = this.#entries.get(id);
    if (entry?.process !== undefined) return { entry, process: entry.process };
    throw new RunletError(this.#evicted.has(id) ? 'PROCESS_EVICTED' : 'PROCESS_NOT_FOUND');
  }

  /** Takes the id before anything is awaited, so that of two starts with it one wins. */
  #begin(id: string, request: StartRequest): Entry {
    const { fingerprint, guard, processId, requestId, spec } = request;
    const { host, owner, principal } = this.#options;
    const assertWanted = (): void => this.#assertOpen();
    const started = host.start({ id, owner, principal, spec, guard, assertWanted });
    const entry: Entry = {
      id,
      key: { fingerprint, processId, requestId },
      ordinal: this.#nextOrdinal++,
      started,
      expired: false,
      readers: new Set(),
    };
    this.#entries.set(id, entry);
    if (requestId !== '') this.#byRequest.set(requestId, entry);
    started.then(
      (process) => this.#onStarted(entry, process),
      () => this.#remove(entry),
    );
    return entry;
  }

  #onStarted(entry: Entry, process: Process): void {
    entry.process = process;
    this.#evicted.delete(entry.id);
    const { onEvent } = this.#options;
    onEvent({ kind: 'process-started', process });
    void process.exited.wait().then(() => onEvent({ kind: 'process-exited', process }));
    void process.closed.wait().then(() => this.#onClosed(entry, process));
  }

  #onClosed(entry: Entry, process: Process): void {
    this.#options.onEvent({ kind: 'process-closed', process });
    if (this.#closed) return;
    entry.retention = this.#options.clock.setTimer(process.record.retentionMs, () => {
      entry.expired = true;
      this.#evictIfOver(entry);
    });
  }

  #evictIfOver(entry: Entry): void {
    if (!entry.expired || entry.readers.size > 0 || this.#entries.get(entry.id) !== entry) return;
    this.#forget(entry);
    this.#evicted.add(entry.id);
    this.#options.host.meter.evicted();
    this.#options.onEvent({ kind: 'process-evicted', processId: entry.id });
    if (entry.key.requestId !== '') this.#evictedRequests.add(entry.key.requestId);
  }

  #forget(entry: Entry): void {
    entry.retention?.cancel();
    this.#remove(entry);
    this.#releaseIfUnread(entry);
  }

  /** What a reader still reads is in memory, and counts. */
  #releaseIfUnread({ id, process, readers }: Entry): void {
    if (process === undefined || readers.size > 0 || this.#entries.has(id)) return;
    // What is closed together with the table was ended before.
    if (this.#closed) this.#options.host.release(process);
    else this.#options.host.release(process, this.#leftBehind);
  }

  #remove(entry: Entry): void {
    if (this.#entries.get(entry.id) === entry) this.#entries.delete(entry.id);
    const { requestId } = entry.key;
    if (this.#byRequest.get(requestId) === entry) this.#byRequest.delete(requestId);
  }
}

function assertSameRequest(earlier: RequestKey, later: RequestKey): void {
  if (earlier.processId !== later.processId || earlier.fingerprint !== later.fingerprint) {
    throw new RunletError('REQUEST_MISMATCH');
  }
}
