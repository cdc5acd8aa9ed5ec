import type { Clock } from '../clock.ts';
import type { EventBatch, EventCursor } from '../output/event-cursor.ts';
import { BLOCK_BYTES } from '../output/sizes.ts';

/**
 * The bytes of a response whose field `events = 1` holds a batch: the encodings
 * of its events one after the other, and `rest`, the response's other fields.
 */
export function encodeBatch(batch: EventBatch | undefined, rest?: Uint8Array): Uint8Array {
  const pieces = batch?.pieces ?? [];
  const [only] = pieces;
  // Most often a part of one block, which is sent as it is.
  if (only !== undefined && pieces.length === 1 && rest === undefined) return only;
  return Buffer.concat(rest === undefined ? pieces : [...pieces, rest]);
}

/**
 * Follows a cursor to the log's end: batch after batch as fast as they are
 * taken, and an empty one after every `heartbeatMs` of silence. Closes the cursor.
 * Each is to be sent or copied before the next is asked for: its memory is used again.
 */
export async function* followEvents(
  cursor: EventCursor,
  signal: AbortSignal,
  heartbeatMs: number,
): AsyncGenerator<Uint8Array> {
  try {
    while (!signal.aborted) {
      const read = cursor.read(BLOCK_BYTES);
      const batch = read instanceof Promise ? await read : read;
      if (signal.aborted) return;
      if (batch !== undefined) {
        yield encodeBatch(batch);
      } else if (cursor.ended) {
        return;
      } else if ((await cursor.wait(heartbeatMs, signal)) === 'timeout') {
        yield encodeBatch(undefined);
      }
    }
  } finally {
    cursor.close();
  }
}

/** How long a long poll may wait: not to the call's deadline, so that its answer still arrives. */
export function pollWaitMs(
  waitMs: number,
  maxWaitMs: number,
  deadline: number,
  marginMs: number,
  clock: Clock,
): number {
  return Math.max(0, Math.min(waitMs, maxWaitMs, deadline - marginMs - clock.now()));
}
