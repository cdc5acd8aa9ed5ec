import type { Stage } from './stage.ts';

/** Something that a client can live through, the same in every language. */
export interface Scenario {
  /** What it shows: "a client ...". */
  readonly name: string;
  /**
   * Whether it moves so many bytes that it is played over TLS alone, with each kind of credential:
   * without, the same libraries do less, and what they do there smaller ones show.
   */
  readonly bulky?: boolean;
  /** Tells the driver what to do, and interferes; resolves with the facts observed. */
  play(stage: Stage): Promise<unknown>;
  /** The facts, compared with `toEqual`. */
  readonly expected: unknown;
}
