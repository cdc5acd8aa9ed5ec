import { AUTH_KINDS } from '../../identity/principal.ts';
import { END_REASONS, OUTPUT_STREAMS } from '../../output/event.ts';
import { type Meter, START_RESULTS, type StartResult, type StartStage } from '../meter.ts';
import type { TraceContext } from '../tracing/trace-context.ts';
import { endLabel, OTHER } from './series.ts';

/** Numbers by the value of a label. */
export class Counts {
  readonly #counts = new Map<string, number>();

  /** `known`: those that are there from the start, so that their first move is seen. */
  constructor(known: readonly string[] = []) {
    for (const label of known) this.#counts.set(label, 0);
  }

  /** Adds to one of them. */
  add(label: string, count = 1): void {
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + count);
  }

  /** All of them. */
  entries(): Iterable<readonly [label: string, count: number]> {
    return this.#counts;
  }
}

/** Told of times, in seconds. */
export interface TimesSink {
  readonly call: (method: string, seconds: number, trace?: TraceContext) => void;
  readonly start: (stage: StartStage, seconds: number, trace?: TraceContext) => void;
}

/** Counts without labels. */
interface Totals {
  stdin: number;
  gap: number;
  spoolFailures: number;
  evictions: number;
  takeovers: number;
  expiries: number;
  auditFailures: number;
  auditLinesLost: number;
}

/**
 * Counts what a server tells: each is an addition. Methods are those that are served, whatever
 * path a client asks for; all other labels come from the code alone.
 */
export class Tallies implements Meter {
  readonly calls = new Map<string, Counts>();
  readonly open: Counts;
  readonly starts = new Counts(START_RESULTS);
  readonly ends = new Counts(END_REASONS.map(endLabel));
  readonly outputBytes = new Counts(OUTPUT_STREAMS);
  readonly refusals = new Counts();
  readonly denials: Counts;
  readonly logins = new Map<string, Counts>();
  readonly totals: Totals = {
    stdin: 0,
    gap: 0,
    spoolFailures: 0,
    evictions: 0,
    takeovers: 0,
    expiries: 0,
    auditFailures: 0,
    auditLinesLost: 0,
  };
  readonly #methods: ReadonlyMap<string, string>;
  readonly #times: TimesSink;

  /**
   * `paths`: of all methods that are served, each of which begins with a `/`; `denials`: all
   * reasons that there are for them.
   */
  constructor(paths: readonly string[], denials: readonly string[], times: TimesSink) {
    this.#methods = new Map(paths.map((path) => [path, path.slice(1)]));
    this.#times = times;
    this.denials = new Counts(denials);
    this.open = new Counts([...this.#methods.values()]);
    for (const method of this.#methods.values()) {
      this.calls.set(method, new Counts(['OK', 'INTERNAL']));
    }
    for (const kind of AUTH_KINDS) this.logins.set(kind, new Counts(['ok', 'failed']));
    this.logins.set(OTHER, new Counts(['failed']));
    this.calls.set(OTHER, new Counts());
  }

  callBegan(path: string): void {
    this.open.add(this.#methodOf(path));
  }

  callEnded(path: string, code: string, seconds: number, trace?: TraceContext): void {
    const method = this.#methodOf(path);
    this.open.add(method, -1);
    this.calls.get(method)?.add(code);
    this.#times.call(method, seconds, trace);
  }

  callTurnedAway(path: string, code: string): void {
    this.calls.get(this.#methodOf(path))?.add(code);
  }

  refused(limit: string): void {
    this.refusals.add(limit);
  }

  denied(reason: string): void {
    this.denials.add(reason);
  }

  loggedIn(kind: string, ok: boolean): void {
    this.logins.get(kind)?.add(ok ? 'ok' : 'failed');
  }

  startEnded(result: StartResult): void {
    this.starts.add(result);
  }

  startStage(stage: StartStage, seconds: number, trace?: TraceContext): void {
    this.#times.start(stage, seconds, trace);
  }

  processEnded(reason: string): void {
    this.ends.add(endLabel(reason));
  }

  output(stream: string, bytes: number): void {
    this.outputBytes.add(stream, bytes);
  }

  stdin(bytes: number): void {
    this.totals.stdin += bytes;
  }

  gap(bytes: number): void {
    this.totals.gap += bytes;
  }

  spoolFailed(): void {
    this.totals.spoolFailures += 1;
  }

  evicted(): void {
    this.totals.evictions += 1;
  }

  takenOver(): void {
    this.totals.takeovers += 1;
  }

  expired(): void {
    this.totals.expiries += 1;
  }

  auditFailed(): void {
    this.totals.auditFailures += 1;
  }

  auditLineLost(): void {
    this.totals.auditLinesLost += 1;
  }

  #methodOf(path: string): string {
    return this.#methods.get(path) ?? OTHER;
  }
}
