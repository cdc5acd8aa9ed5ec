import type { ServerFlags } from './server-connection.ts';

/** The flags of `runlet conformance`. */
export interface ConformanceFlags extends ServerFlags {
  readonly json?: boolean;
  readonly only?: readonly string[];
  readonly grep?: RegExp;
  readonly list?: boolean;
  readonly timeout: number;
  readonly jobs: number;
}
