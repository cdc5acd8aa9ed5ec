import type { Clock } from '../../clock.ts';
import { REDIRECT_BODY_BYTES, REDIRECT_BODY_MS } from '../../limits.ts';
import type { WireAnswer, WireExchange } from './http-connection.ts';

/** Reads what is left of an answer so that its connection can be used again, where that is little. */
export async function dropRedirectBody(
  { body }: WireAnswer,
  wire: WireExchange,
  clock: Clock,
): Promise<void> {
  const timer = clock.setTimer(REDIRECT_BODY_MS, () => wire.release());
  let bytes = 0;
  try {
    for await (const piece of body.iterator({ destroyOnReturn: false })) {
      bytes += piece.length;
      if (bytes > REDIRECT_BODY_BYTES) break;
    }
    // Until the connection is free.
    await new Promise((resolve) => setImmediate(resolve));
  } catch {
    // It is not used again.
  } finally {
    timer.cancel();
    wire.release();
  }
}
