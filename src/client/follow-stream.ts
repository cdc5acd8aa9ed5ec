import type { Clock } from '../clock.ts';
import { within } from './waiting.ts';

/**
 * The messages of a stream, heartbeats among them. One that stays silent for longer than those
 * allow fails with a `ConnectionError`. Leaving the loop early cancels the call.
 */
export async function* followStream<T>(
  responses: AsyncIterable<T>,
  silenceMs: number,
  clock: Clock,
): AsyncGenerator<T> {
  const iterator = responses[Symbol.asyncIterator]();
  let over = false;
  try {
    for (;;) {
      const { done, value } = await within(iterator.next(), silenceMs, clock, 'nothing came');
      if (done) {
        over = true;
        return;
      }
      yield value;
    }
  } finally {
    // Not waited for: a generator that waits for its call takes no `return` before that ends.
    if (!over) void iterator.return?.();
  }
}
