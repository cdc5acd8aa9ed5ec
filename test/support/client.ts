import { onTestFinished } from 'vitest';
import { type Address, formatAddress } from '../../src/address.ts';
import { type ConnectOptions, connect, type RunletClient } from '../../src/client/index.ts';

/** Bounds for what hangs alone, on a machine that does much else. */
const PATIENT = {
  connectTimeoutMs: 120_000,
  attemptTimeoutMs: 60_000,
  keepaliveTimeoutMs: 60_000,
} as const;

/** A client of a server, which is closed when the test is over. */
export function connectTo(address: Address, options: ConnectOptions = {}): RunletClient {
  const client = connect(formatAddress(address), { ...PATIENT, ...options });
  onTestFinished(() => client.close());
  return client;
}

/** Pauses that suit a test: many attempts in little time. */
export const QUICK = { initialBackoffMs: 5, maxBackoffMs: 50 } as const;

/** The error that a promise rejects with; it must reject. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('it did not fail');
}
