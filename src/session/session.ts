import type { Clock } from '../clock.ts';
import { draining } from '../draining.ts';
import { RunletError } from '../errors.ts';
import { MAX_HOLDERS } from '../limits.ts';
import type { ProcessHost } from '../process/process-host.ts';
import { ProcessTable } from '../process/process-table.ts';
import type { Meter } from '../telemetry/meter.ts';
import { Attachment, type AttachmentListener } from './attachment.ts';
import { Lease } from './lease.ts';
import type { SessionEvent } from './session-event.ts';
import {
  type AttachMode,
  type Holder,
  nextState,
  type SessionEnd,
  type SessionInput,
  type SessionState,
} from './session-state.ts';

/** How a session is made. */
export interface SessionOptions {
  /** A UUID in lower case. */
  readonly id: string;
  readonly labels: ReadonlyMap<string, string>;
  /** How long it lives after the last call that named it, in milliseconds. */
  readonly detachedTtlMs: number;
  /** The name of the principal that it belongs to. */
  readonly owner: string;
  /** In the order of creation, for listings: among those of its owner, and among all. */
  readonly ordinal: number;
  readonly ordinalOfAll: number;
  readonly host: ProcessHost;
  /** Readers that one of its processes may have at one time. */
  readonly maxProcessWatchers: number;
  readonly clock: Clock;
  /** Makes an unpredictable UUID. */
  readonly newId: () => string;
  /** Called when the sweeper finds it expired. */
  readonly onExpired: () => void;
}

/** A session: the owner of processes, which lives as long as somebody needs it. */
export class Session {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createTime: number;
  readonly labels: ReadonlyMap<string, string>;
  readonly detachedTtlMs: number;
  readonly owner: string;
  readonly ordinal: number;
  readonly ordinalOfAll: number;
  readonly processes: ProcessTable;
  readonly #newId: () => string;
  readonly #meter: Meter;
  readonly #lease: Lease;
  /** The last attempt of each holder that attached, the latest holder last. */
  readonly #attempts = new Map<string, number>();
  /** Called when it is over, with what a call of it is told. */
  readonly #onEnd = new Set<(why: RunletError) => void>();
  #state: SessionState<Attachment> = { kind: 'detached', latest: undefined };

  constructor(options: SessionOptions) {
    const { clock, detachedTtlMs, host, newId, onExpired } = options;
    this.id = options.id;
    this.createTime = clock.now();
    this.labels = options.labels;
    this.detachedTtlMs = detachedTtlMs;
    this.owner = options.owner;
    this.ordinal = options.ordinal;
    this.ordinalOfAll = options.ordinalOfAll;
    this.#newId = newId;
    this.#meter = host.meter;
    this.#lease = new Lease({ clock, ttlMs: detachedTtlMs, onExpired });
    this.processes = new ProcessTable({
      owner: this.id,
      principal: this.owner,
      maxWatchers: options.maxProcessWatchers,
      host,
      clock,
      newId,
      onEvent: (event) => this.deliver(event),
    });
  }

  /** Whether its time is over, whether or not the sweeper has come. */
  get expired(): boolean {
    return this.#lease.expired;
  }

  /** For how long no call has named it; 0: one is under way. */
  get idleMs(): number {
    return this.#lease.idleMs;
  }

  /** Whether a stream is attached. */
  get attached(): boolean {
    return this.#state.kind === 'attached';
  }

  /**
   * A call that names the session begins; it is over when the function that is
   * returned is called. A call for an attachment is failed, through `fail`, as
   * soon as another takes over.
   *
   * @throws RunletError `ATTACHMENT_SUPERSEDED`
   */
  enter(attachmentId: string | undefined, fail: (why: RunletError) => void): () => void {
    const guarded = attachmentId === undefined ? undefined : this.#latest(attachmentId).guard(fail);
    const release = this.#lease.hold();
    return () => {
      guarded?.();
      release();
    };
  }

  /**
   * Attaches, and fences the attachment that was there before. The caller must
   * {@link detach} it in the end, however that comes.
   *
   * @throws RunletError `SESSION_ALREADY_ATTACHED`, `SESSION_NOT_FOUND`, `ATTACHMENT_SUPERSEDED`
   */
  attach(mode: AttachMode, holder: Holder | undefined, listener: AttachmentListener): Attachment {
    const attachment = new Attachment(this.#newId(), holder, listener);
    const before = this.#state;
    const lastAttempt = this.#attempts.get(holder?.id ?? '') ?? 0;
    this.#apply({ kind: 'attach', attachment, mode, lastAttempt });
    if (holder !== undefined) this.#remember(holder);
    if (before.kind === 'attached') this.#meter.takenOver();
    if (before.kind !== 'ended') before.latest?.fence();
    return attachment;
  }

  /** The attached stream ended. What was superseded is detached already. */
  detach(attachment: Attachment): void {
    this.#apply({ kind: 'detach', attachment });
  }

  /** Tells whoever is attached. */
  deliver(event: SessionEvent): void {
    if (this.#state.kind === 'attached') this.#state.latest.deliver(event);
  }

  /** It is over: whoever is attached is told why. Its processes are not touched. */
  end(cause: SessionEnd): void {
    const before = this.#state;
    this.#apply({ kind: 'end', cause });
    this.#lease.end();
    const why = endError(cause);
    if (before.kind === 'attached') before.latest.end(why);
    for (const callback of this.#onEnd) callback(why);
    this.#onEnd.clear();
  }

  /** Calls back when it is over, with why; not any more once what is returned was called. */
  whenOver(callback: (why: RunletError) => void): () => void {
    this.#onEnd.add(callback);
    return () => void this.#onEnd.delete(callback);
  }

  #remember({ attempt, id }: Holder): void {
    this.#attempts.delete(id);
    this.#attempts.set(id, attempt);
    const [oldest] = this.#attempts.keys();
    if (this.#attempts.size > MAX_HOLDERS && oldest !== undefined) this.#attempts.delete(oldest);
  }

  #latest(attachmentId: string): Attachment {
    const { latest } = this.#state.kind === 'ended' ? {} : this.#state;
    if (latest?.hasId(attachmentId)) return latest;
    throw new RunletError('ATTACHMENT_SUPERSEDED');
  }

  #apply(input: SessionInput<Attachment>): void {
    this.#state = nextState(this.#state, input);
  }
}

function endError(cause: SessionEnd): RunletError {
  if (cause === 'draining') return draining();
  return new RunletError(cause === 'closed' ? 'SESSION_CLOSED' : 'SESSION_NOT_FOUND');
}
