import type { Clock } from '../clock.ts';
import { STREAM_BATCH_BYTES } from '../limits.ts';
import type { EventBatch, EventCursor } from '../output/event-cursor.ts';
import { encodedLength } from '../output/event-encoding.ts';

/**
 * The bytes of a response whose field `events = 1` holds a batch: the encodings
 * of its events one after the other, and `rest`, the response's other fields.
 */
export function encodeBatch(batch: EventBatch | undefined, rest?: Uint8Array): Buffer {
  const parts: Uint8Array[] = [];
  let length = rest?.byteLength ?? 0;
  for (const event of batch?.events ?? []) {
    parts.push(event.head);
    if (event.body !== undefined) parts.push(event.body);
    length += encodedLength(event);
  }
  if (rest !== undefined) parts.push(rest);
  return Buffer.concat(parts, length);
}

/**
 * Follows a cursor to the log's end: batch after batch as fast as they are
 * taken, and an empty one after every `heartbeatMs` of silence. Closes the cursor.
 */
export async function* followEvents(
  cursor: EventCursor,
  signal: AbortSignal,
  heartbeatMs: number,
): AsyncGenerator<Buffer> {
  try {
    while (!signal.aborted) {
      const batch = cursor.read(STREAM_BATCH_BYTES);
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
