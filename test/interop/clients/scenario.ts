import type { Stage } from './stage.ts';

/** Something that a client can live through, the same in every language. */
export interface Scenario {
  /** What it shows: "a client ...". */
  readonly name: string;
  /** Tells the driver what to do, and interferes; resolves with the facts observed. */
  play(stage: Stage): Promise<unknown>;
  /** The facts, compared with `toEqual`. */
  readonly expected: unknown;
}
