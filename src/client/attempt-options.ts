import type { Clock } from '../clock.ts';
import { ConnectionError } from './errors.ts';
import { within } from './waiting.ts';

/**
 * What the program gives for the calls of an attempt to connect. Where it cannot, as one that
 * asks for a token while the network is away, or takes longer than an attempt may, the attempt
 * failed, and not the session.
 */
export async function attemptOptions<T>(given: Promise<T>, ms: number, clock: Clock): Promise<T> {
  try {
    return await within(given, ms, clock, 'nothing came');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConnectionError(`the metadata for the call is not known: ${why}`, false, error);
  }
}
