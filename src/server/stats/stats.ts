import type { Clock } from '../../clock.ts';
import { limitExceeded, RunletError } from '../../errors.ts';
import { Latch } from '../../latch.ts';
import {
  DRAINING_RETRY_MS,
  MAX_PRINCIPAL_STATS_STREAMS,
  MAX_STATS_REMOVALS,
  STATS_LOOK_MS,
  STATS_PART,
} from '../../limits.ts';
import { Tally } from '../../policy/tally.ts';
import type { MachineUnits } from '../../process/machine-units.ts';
import type { Process } from '../../process/process.ts';
import type { ProcessHost } from '../../process/process-host.ts';
import type { ProcessScan } from '../../process/process-scan.ts';
import type { Session } from '../../session/session.ts';
import type { SessionRegistry } from '../../session/session-registry.ts';
import {
  type ProcessFigures,
  processFigures,
  type SessionFigures,
  sessionFigures,
} from './figures.ts';
import { Pace } from './pace.ts';
import { type Totals, totalsOf } from './totals.ts';
import { UsageLooks } from './usage-looks.ts';
import { type Changes, type Scope, Versions, type View } from './versions.ts';
import { type Vitals, VitalsLooks } from './vitals.ts';

/** What is looked at, and how. */
export interface StatsOptions {
  readonly clock: Clock;
  readonly host: Pick<ProcessHost, 'launched' | 'starting'>;
  readonly sessions: Pick<SessionRegistry, 'all'>;
  /** The calls under way of each principal. */
  readonly calls: Tally;
  readonly units: MachineUnits;
  /** Looks at all processes of the machine; undefined: it does not tell of them. */
  readonly scan: () => Promise<ProcessScan | undefined>;
  /** A number at random. */
  readonly newNumber: () => number;
}

/** Asks to be told. */
export interface WatchOptions {
  /** The name of whoever is told. */
  readonly principal: string;
  readonly view: View;
  /** Whether it is told of the server, too. */
  readonly ofServer: boolean;
  /** Called once if nothing more can be told, with why. */
  readonly onEnd: (why: RunletError) => void;
}

/** What is new to somebody, and how all of it is. */
export interface Round {
  /** What was told before is to be forgotten. */
  readonly whole: boolean;
  readonly sessions: Changes<Session, SessionFigures>;
  readonly processes: Changes<Process, ProcessFigures>;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** On the monotonic clock. */
  readonly elapsedMs: number;
  /** When it was looked what processes use; undefined: the system does not tell. */
  readonly usageMs: number | undefined;
  readonly totals: Totals;
  readonly server: (Vitals & { readonly starting: number }) | undefined;
}

/** Somebody who is told. */
export interface StatsWatch {
  /** What is new since it was asked for before; undefined: nobody has looked since. */
  next(): Promise<Round | undefined>;
  /** To tell it took so long. */
  took(ms: number): void;
  /** It is told no more. Idempotent. */
  close(): void;
}

interface Watcher extends WatchOptions {
  /** The version that there was when it came: it is told of a later one. */
  readonly joined: number;
  /** The version that it knows; 0: none. */
  known: number;
}

/** How all was when it was looked at. */
interface Look {
  readonly time: number;
  readonly elapsedMs: number;
}

/**
 * Looks at all sessions and processes for whoever is told of them: once for all of those, when one
 * of them asks, and not at all while there is none.
 */
export class Stats {
  readonly #options: StatsOptions;
  readonly #usage: UsageLooks;
  readonly #vitals: VitalsLooks;
  readonly #pace: Pace;
  readonly #watchers = new Set<Watcher>();
  readonly #streams = new Tally();
  #sessions: Versions<Session, SessionFigures>;
  #processes: Versions<Process, ProcessFigures>;
  #look: Look | undefined;
  #looking: Promise<void> | undefined;
  /** Somebody waits until the next look may be taken. */
  #waiting: { readonly over: Promise<void>; readonly end: () => void } | undefined;
  /** How long it took to tell since the latest look. */
  #tellingMs = 0;
  #closed = false;

  constructor(options: StatsOptions) {
    const { clock, host, scan, units } = options;
    this.#options = options;
    this.#usage = new UsageLooks({ clock, units, scan, processes: () => processesOf(host) });
    this.#vitals = new VitalsLooks(clock);
    this.#pace = new Pace({ clock, everyMs: STATS_LOOK_MS, part: STATS_PART });
    this.#sessions = this.#versions();
    this.#processes = this.#versions();
  }

  /**
   * Tells somebody from now on.
   *
   * @throws RunletError `LIMIT_EXCEEDED`, `DRAINING`
   */
  watch(options: WatchOptions): StatsWatch {
    const { ofServer, principal } = options;
    if (this.#closed) throw draining();
    if (this.#streams.of(principal) >= MAX_PRINCIPAL_STATS_STREAMS) {
      throw limitExceeded('max_principal_stats_streams', MAX_PRINCIPAL_STATS_STREAMS);
    }
    const watcher: Watcher = { ...options, joined: this.#sessions.version, known: 0 };
    this.#watchers.add(watcher);
    this.#streams.add(principal, 1);
    if (ofServer) this.#vitals.start();
    return {
      next: () => this.#next(watcher),
      took: (ms) => {
        this.#tellingMs += ms;
      },
      close: () => this.#leave(watcher),
    };
  }

  /** The server ends: whoever is told learns that, and nobody is told any more. */
  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) {
      this.#leave(watcher);
      watcher.onEnd(draining());
    }
  }

  async #next(watcher: Watcher): Promise<Round | undefined> {
    for (;;) {
      this.#looking ??= this.#lookAgain().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
      if (!this.#watchers.has(watcher)) return undefined;
      const { known, joined } = watcher;
      const isNew = this.#sessions.version > Math.max(known, joined);
      if (isNew && this.#look !== undefined) return this.#timedRound(watcher, this.#look);
      if (known > 0) return undefined;
      // What was there before it came is in the first that it is told.
      await this.#untilDue();
    }
  }

  #untilDue(): Promise<void> {
    if (this.#waiting === undefined) {
      const latch = new Latch();
      const timer = this.#options.clock.setTimer(this.#pace.waitMs, () => end());
      const end = (): void => {
        timer.cancel();
        this.#waiting = undefined;
        latch.open();
      };
      this.#waiting = { over: latch.wait().then(() => {}), end };
    }
    return this.#waiting.over;
  }

  #timedRound(watcher: Watcher, look: Look): Round {
    const { clock } = this.#options;
    const began = clock.monotonic();
    const round = this.#roundFor(watcher, look);
    this.#tellingMs += clock.monotonic() - began;
    return round;
  }

  #roundFor(watcher: Watcher, look: Look): Round {
    const { known, ofServer, view } = watcher;
    const { host } = this.#options;
    const sessions = this.#sessions.changes(view, known);
    const processes = this.#processes.changes(view, known);
    const whole = sessions.whole || processes.whole;
    watcher.known = this.#sessions.version;
    const oldest = Math.min(...[...this.#watchers].map((it) => it.known));
    for (const versions of [this.#sessions, this.#processes]) versions.forget(oldest);
    return {
      ...look,
      whole,
      // Who forgets the ones forgets the others.
      sessions: whole ? this.#sessions.changes(view, 0) : sessions,
      processes: whole ? this.#processes.changes(view, 0) : processes,
      usageMs: this.#usage.time,
      totals: this.#totals(view),
      server: ofServer ? { ...this.#vitals.look(), starting: host.starting } : undefined,
    };
  }

  #totals(view: View): Totals {
    const { calls } = this.#options;
    const counted = totalsOf(this.#sessions.seenBy(view), this.#processes.seenBy(view));
    if (view.sessionId !== undefined) return { ...counted, openCalls: 0 };
    const openCalls = view.owner === undefined ? calls.total : calls.of(view.owner);
    return { ...counted, openCalls };
  }

  async #lookAgain(): Promise<void> {
    await this.#usage.look();
    if (this.#watchers.size === 0 || !this.#pace.isDue) return;
    const { clock, host, sessions } = this.#options;
    const began = clock.monotonic();
    this.#sessions.update(sessionsIn(sessions.all()));
    this.#processes.update(processesIn(host.launched(), (process) => this.#usage.of(process)));
    this.#look = { time: clock.now(), elapsedMs: clock.monotonic() };
    this.#pace.done(this.#tellingMs + clock.monotonic() - began);
    this.#tellingMs = 0;
  }

  #leave(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher)) return;
    this.#streams.remove(watcher.principal, 1);
    if (![...this.#watchers].some(({ ofServer }) => ofServer)) this.#vitals.stop();
    if (this.#watchers.size > 0) return;
    this.#waiting?.end();
    // It is known of no process that it is there.
    this.#sessions = this.#versions();
    this.#processes = this.#versions();
    this.#look = undefined;
  }

  #versions<K, F extends SessionFigures | ProcessFigures>(): Versions<K, F> {
    const { newNumber } = this.#options;
    return new Versions({ maxRemovals: MAX_STATS_REMOVALS, newNumber });
  }
}

function draining(): RunletError {
  return new RunletError('DRAINING', { retryAfterMs: DRAINING_RETRY_MS });
}

function* processesOf(host: StatsOptions['host']): Generator<Process> {
  for (const [process] of host.launched()) yield process;
}

function* sessionsIn(
  sessions: Iterable<Session>,
): Generator<readonly [Session, Scope, SessionFigures]> {
  for (const session of sessions) {
    const { id, owner } = session;
    yield [session, { owner, sessionId: id }, sessionFigures(session)];
  }
}

function* processesIn(
  launched: ReturnType<ProcessHost['launched']>,
  usageOf: (process: Process) => ReturnType<UsageLooks['of']>,
): Generator<readonly [Process, Scope, ProcessFigures]> {
  for (const [process, { owner, principal }] of launched) {
    const scope = { owner: principal, sessionId: owner };
    yield [process, scope, processFigures(process, usageOf(process))];
  }
}
