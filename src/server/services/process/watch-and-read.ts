import { toBinary } from '@bufbuild/protobuf';
import { EncodedMessage } from '../../../bridge/encoded-message.ts';
import {
  ReadProcessResponseSchema,
  WatchProcessResponseSchema,
} from '../../../gen/runlet/v1/process_pb.ts';
import {
  DEFAULT_READ_BYTES,
  MAX_ANSWER_BYTES,
  MAX_READ_BYTES,
  READ_DEADLINE_MARGIN_MS,
} from '../../../limits.ts';
import type { EventBatch } from '../../../output/event-cursor.ts';
import { encodeBatch, followEvents, pollWaitMs } from '../../event-stream.ts';
import { processMessage } from '../../messages.ts';
import { processBytes } from '../../requests/encoded-size.ts';
import { parseDuration, parseId, parseOptionalId, parseUint64 } from '../../requests/fields.ts';
import { findProcess, type ProcessMethods, type ProcessServiceOptions } from './process-calls.ts';

/** `WatchProcess`, `ReadProcess` and `AcknowledgeOutput`. */
export function watchAndRead(
  options: ProcessServiceOptions,
): ProcessMethods<'watchProcess' | 'readProcess' | 'acknowledgeOutput'> {
  const { clock, limits } = options;
  return {
    async *watchProcess(request, context) {
      const afterSeq = parseUint64('after_seq', request.afterSeq);
      const readerId = parseOptionalId('reader_id', request.readerId);
      const { process, session } = findProcess(options, request, context);
      const cursor = session.processes.openCursor(process.id, afterSeq, { readerId });
      context.sendHeaders();
      for await (const bytes of followEvents(cursor, context.signal, limits.heartbeatMs)) {
        yield new EncodedMessage(WatchProcessResponseSchema, bytes);
      }
    },

    async readProcess(request, context) {
      const afterSeq = parseUint64('after_seq', request.afterSeq);
      const waitMs = parseDuration('wait', request.wait) ?? 0;
      const { process, session } = findProcess(options, request, context);
      const maxBytes = Math.min(
        request.maxBytes || DEFAULT_READ_BYTES,
        MAX_READ_BYTES,
        MAX_ANSWER_BYTES - processBytes(process.record),
      );
      // The next one says what has arrived of this one's answer.
      const reader = { acknowledges: true };
      const cursor = session.processes.openCursor(process.id, afterSeq, reader);
      const read = async (): Promise<EventBatch | undefined> => {
        const release = await context.reserve(maxBytes);
        const found = await cursor.read(maxBytes);
        if (found === undefined) release();
        return found;
      };
      try {
        let batch = await read();
        if (batch === undefined && waitMs > 0 && !cursor.ended) {
          context.sendHeaders();
          const { maxReadWaitMs } = limits;
          const { deadline, signal } = context;
          await cursor.wait(
            pollWaitMs(waitMs, maxReadWaitMs, deadline, READ_DEADLINE_MARGIN_MS, clock),
            signal,
          );
          batch = await read();
        }
        const rest = toBinary(ReadProcessResponseSchema, {
          $typeName: 'runlet.v1.ReadProcessResponse',
          events: [],
          nextAfterSeq: BigInt(batch?.lastSeq ?? afterSeq),
          process: processMessage(session.id, process),
        });
        return new EncodedMessage(ReadProcessResponseSchema, encodeBatch(batch, rest));
      } finally {
        cursor.close();
      }
    },

    acknowledgeOutput(request, context) {
      const readerId = parseId('reader_id', request.readerId);
      const seq = parseUint64('seq', request.seq);
      const { process } = findProcess(options, request, context);
      process.acknowledge(readerId, seq, request.done);
      return {};
    },
  };
}
