import type { Duplex } from 'node:stream';
import { RemoteError } from '../client/index.ts';
import type { Target } from './forward-spec.ts';

/** Makes a connection through the server. Rejects where there is none, and once the signal aborts. */
export type Dial = (target: Target, signal: AbortSignal) => Promise<Duplex>;

/** Why a connection could not be made, as far as others are told. */
export type DialFailure =
  | 'denied'
  | 'unknown-host'
  | 'refused'
  | 'host-unreachable'
  | 'network-unreachable'
  | 'timed-out'
  | 'other';
