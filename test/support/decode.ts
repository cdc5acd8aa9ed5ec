import { fromBinary } from '@bufbuild/protobuf';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { WatchProcessResponseSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import type { EventBatch } from '../../src/output/event-cursor.ts';
import { encodeBatch } from '../../src/server/event-stream.ts';

/** The events of a batch, as a client decodes them. */
export function decodeBatch(batch: EventBatch | undefined): readonly ProcessEvent[] {
  return fromBinary(WatchProcessResponseSchema, encodeBatch(batch)).events;
}
