import type { Duplex } from 'node:stream';
import { TunnelError } from '../client/index.ts';
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

const BY_ERRNO: Readonly<Record<string, DialFailure>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'host-unreachable',
  EHOSTDOWN: 'host-unreachable',
  ENETUNREACH: 'network-unreachable',
  ETIMEDOUT: 'timed-out',
};

/** What a failure is for whoever asked for the connection. */
export function dialFailure(error: unknown): DialFailure {
  if (!(error instanceof TunnelError)) return 'other';
  switch (error.stage) {
    case 'DENIED':
      return 'denied';
    case 'RESOLVE':
      return 'unknown-host';
    case 'TIMEOUT':
      return 'timed-out';
    default:
      return BY_ERRNO[error.errnoName] ?? 'other';
  }
}
