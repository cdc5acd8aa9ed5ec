import { MAX_FILE_WORKERS, MAX_STUCK_WORKERS } from '../../limits.ts';
import type { Asker } from '../../turn-queue.ts';
import type { Seat } from './seat.ts';

/**
 * Whether threads that hang are as many as there may be for who asks: half for a session, three
 * quarters for its principal, so that others have some left. Who has none that hangs may try as long
 * as there are threads at all.
 */
export function isTooMuch(hung: readonly Seat[], { asker, principal }: Asker): boolean {
  const ofPrincipal = hung.filter((seat) => seat.asker?.principal === principal);
  const ofAsker = ofPrincipal.filter((seat) => seat.asker?.asker === asker);
  return (
    ofAsker.length >= MAX_STUCK_WORKERS / 2 ||
    ofPrincipal.length >= (MAX_STUCK_WORKERS * 3) / 4 ||
    (ofPrincipal.length > 0 && hung.length >= MAX_STUCK_WORKERS) ||
    hung.length >= MAX_STUCK_WORKERS + MAX_FILE_WORKERS
  );
}
