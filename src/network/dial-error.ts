/** Where a connection failed, in order. */
export type DialStage = 'RESOLVE' | 'CONNECT' | 'TIMEOUT' | 'DENIED';

/** What is known of it. */
export interface DialFailure {
  readonly stage: DialStage;
  /** The name of the system's error or of the resolver's, `ECONNREFUSED`, `ENOTFOUND`; empty where it is none. */
  readonly errnoName: string;
  /** For people. */
  readonly message: string;
  /** What it was about: `example.org:443`. */
  readonly target: string;
  /** Why it is denied, for the operator alone: the rule. Empty where it is not. */
  readonly rule: string;
}

/** A connection that could not be made. */
export class DialError extends Error {
  readonly failure: DialFailure;

  constructor(failure: DialFailure) {
    super(failure.message);
    this.name = 'DialError';
    this.failure = failure;
  }
}
