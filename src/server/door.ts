import type { Clock, Timer } from '../clock.ts';
import {
  DOOR_LOOK_MS,
  MAX_HEALTH_CALLS,
  MAX_HEALTH_CONNECTIONS,
  MAX_REFUSED_CALLS,
  MAX_UNKNOWN_CALLS,
  MAX_UNSPOKEN_BYTES,
} from '../limits.ts';
import { VisitQueue } from './visit-queue.ts';

/** What a door needs of a socket. */
export interface DoorSocket {
  /** Bytes that it has received. */
  readonly bytesRead: number;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** How a {@link Door} is made. */
export interface DoorOptions {
  /** Connections at one time. */
  readonly maxConnections: number;
  /** Those of them on which no call was let in yet. */
  readonly maxUnspoken: number;
  /** Milliseconds from when one was accepted to its first call that is let in. */
  readonly firstCallMs: number;
  readonly clock: Clock;
}

/** A kind of call that is under way though nobody knows who makes it. */
export type UnadmittedCall = 'health' | 'unknown';

const MAX_CALLS: Readonly<Record<UnadmittedCall, number>> = {
  health: MAX_HEALTH_CALLS,
  unknown: MAX_UNKNOWN_CALLS,
};

/** A connection, from when it was accepted. */
export interface Visit {
  /** A call on it was let in: from now on it is bounded like all others. */
  admit(): void;
  /**
   * A call began that nobody has been let in for. False: there are too many, or too many such
   * connections; else it is to be told of its end.
   */
  begin(call: UnadmittedCall): boolean;
  end(call: UnadmittedCall): void;
  /** A call on it was refused; `leave` asks the client to go, which is done where there were many. */
  refuse(leave: () => void): void;
}

/**
 * Every connection passes here, and costs little until it has shown that somebody is let in on it:
 * those that have not are bounded in number, time and bytes, and in what they may call.
 *
 * Where there are too many, the new one comes in, and another goes: of the source that
 * has most of them, the oldest. Whoever opens thousands so competes with itself, and not with those
 * from elsewhere. From one source (a proxy, all of a Unix socket) a connection has as long as it takes
 * to open `maxUnspoken` others; to be let in takes a few round trips. Refusing the new ones would
 * shut out everybody for as long as the flood cares to hold what it has. To cut any at random
 * would spare none for certain in a small flood, and few in a large one.
 *
 * Those on which nothing but health was asked for are such of load balancers, which may stay for ever.
 * They are bounded by themselves, and who has not asked for longest goes.
 */
export class Door {
  readonly #options: DoorOptions;
  /** How many are in, in all. */
  #count = 0;
  readonly #unspoken = new VisitQueue<ConnectionVisit>();
  /** The first is who has not asked for longest. */
  readonly #health = new VisitQueue<ConnectionVisit>();
  #timer: Timer | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** How many connections there are. */
  get size(): number {
    return this.#count;
  }

  /**
   * A connection was accepted, which comes from somewhere. Undefined: all are in use by callers
   * who were let in, and it was closed.
   */
  enter(socket: DoorSocket, source: string): Visit | undefined {
    const { clock, maxConnections, maxUnspoken } = this.#options;
    if (this.#unspoken.size >= maxUnspoken) this.#unspoken.firstOfMost()?.cut();
    else if (this.#count >= maxConnections && !this.makeRoom()) {
      socket.destroy();
      return undefined;
    }
    const visit = new ConnectionVisit(socket, source, clock.monotonic(), {
      admitted: (left) => this.#forget(left),
      asked: (asking) => this.#asked(asking),
      gone: (left) => {
        this.#forget(left);
        this.#count -= 1;
      },
    });
    this.#count += 1;
    this.#unspoken.add(visit);
    this.#lookLater();
    return visit;
  }

  /** Cuts a connection on which nobody was let in, if there is one: something of it is needed. */
  makeRoom(): boolean {
    const visit = this.#unspoken.firstOfMost() ?? this.#health.firstOfMost();
    visit?.cut();
    return visit !== undefined;
  }

  /** Looks no more. */
  close(): void {
    this.#timer?.cancel();
  }

  #asked(visit: ConnectionVisit): void {
    this.#unspoken.remove(visit);
    this.#health.remove(visit);
    if (this.#health.size >= MAX_HEALTH_CONNECTIONS) this.#health.firstOfMost()?.cut();
    this.#health.add(visit);
  }

  #forget(visit: ConnectionVisit): void {
    if (!this.#unspoken.remove(visit)) this.#health.remove(visit);
  }

  #lookLater(): void {
    this.#timer ??= this.#options.clock.setTimer(DOOR_LOOK_MS, () => this.#look());
  }

  /** One look at all that are bounded in time and bytes, of which there are not many. */
  #look(): void {
    this.#timer = undefined;
    const { clock, firstCallMs } = this.#options;
    const now = clock.monotonic();
    for (const visit of this.#unspoken) {
      if (visit.leaving || visit.receivedTooMuch()) visit.cut();
      else if (now - visit.since >= firstCallMs) visit.leaveOrCut();
    }
    for (const visit of this.#health) {
      if (visit.leaving || visit.receivedTooMuch()) visit.cut();
      // It may go on for ever, though not at any speed.
      else if (now - visit.since >= firstCallMs) visit.countAnew(now);
    }
    if (this.#unspoken.size + this.#health.size > 0) this.#lookLater();
  }
}

/** What a visit tells its door. */
interface VisitEvents {
  readonly admitted: (visit: ConnectionVisit) => void;
  readonly asked: (visit: ConnectionVisit) => void;
  readonly gone: (visit: ConnectionVisit) => void;
}

class ConnectionVisit implements Visit {
  readonly source: string;
  /** Since when its bytes are counted. */
  since: number;
  /** The client was asked to go. */
  leaving = false;
  readonly #socket: DoorSocket;
  readonly #events: VisitEvents;
  #bytesBefore = 0;
  #gone = false;
  #admitted = false;
  #refused = 0;
  readonly #calls: Record<UnadmittedCall, number> = { health: 0, unknown: 0 };
  #leave: (() => void) | undefined;

  constructor(socket: DoorSocket, source: string, since: number, events: VisitEvents) {
    this.source = source;
    this.since = since;
    this.#socket = socket;
    this.#events = events;
    socket.once('close', () => this.#go());
  }

  admit(): void {
    if (this.#admitted) return;
    this.#admitted = true;
    if (!this.#gone) this.#events.admitted(this);
  }

  begin(call: UnadmittedCall): boolean {
    if (!this.#admitted && this.#calls[call] >= MAX_CALLS[call]) return false;
    this.#calls[call] += 1;
    if (call === 'health' && !this.#admitted && !this.#gone) this.#events.asked(this);
    return true;
  }

  end(call: UnadmittedCall): void {
    this.#calls[call] -= 1;
  }

  refuse(leave: () => void): void {
    if (this.#admitted || this.#gone) return;
    this.#leave = leave;
    this.#refused += 1;
    // What it was answered takes memory until it reads that, which it need not do.
    if (this.#refused >= MAX_REFUSED_CALLS || this.receivedTooMuch()) this.leaveOrCut();
  }

  receivedTooMuch(): boolean {
    return this.#socket.bytesRead - this.#bytesBefore > MAX_UNSPOKEN_BYTES;
  }

  countAnew(now: number): void {
    this.since = now;
    this.#bytesBefore = this.#socket.bytesRead;
    this.#refused = 0;
  }

  /** A client that has made calls is asked first, so that the next goes another way. */
  leaveOrCut(): void {
    if (this.#leave === undefined) this.cut();
    else if (!this.leaving) {
      this.leaving = true;
      this.#leave();
    }
  }

  cut(): void {
    this.#go();
    this.#socket.destroy();
  }

  #go(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#events.gone(this);
  }
}
