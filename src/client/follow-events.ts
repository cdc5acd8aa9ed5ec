import type { Clock } from '../clock.ts';
import type { ProcessEvent as ProcessEventMessage } from '../gen/runlet/v1/event_pb.ts';
import { within } from './waiting.ts';

/**
 * The batches of a stream of events, heartbeats as empty ones. One that stays silent for
 * longer than heartbeats allow fails with a `ConnectionError`. Leaving the loop early
 * cancels the call.
 */
export async function* followEvents(
  responses: AsyncIterable<{ readonly events: readonly ProcessEventMessage[] }>,
  silenceMs: number,
  clock: Clock,
): AsyncGenerator<readonly ProcessEventMessage[]> {
  const iterator = responses[Symbol.asyncIterator]();
  let over = false;
  try {
    for (;;) {
      const { done, value } = await within(iterator.next(), silenceMs, clock, 'no event came');
      if (done) {
        over = true;
        return;
      }
      yield value.events;
    }
  } finally {
    // Not waited for: a generator that waits for its call takes no `return` before that ends.
    if (!over) void iterator.return?.();
  }
}
