import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * The same values, at most so many in one turn of the event loop: what is already there is
 * otherwise taken without any, and a frame can hold thousands of messages.
 */
export async function* inTurns<T>(values: AsyncIterable<T>, perTurn: number): AsyncGenerator<T> {
  let taken = 0;
  for await (const value of values) {
    if (taken === perTurn) {
      taken = 0;
      await nextTurn();
    }
    taken += 1;
    yield value;
  }
}
