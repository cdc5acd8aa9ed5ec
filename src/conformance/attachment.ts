import type {
  AttachSessionResponse,
  SessionAttached,
  SessionEvent,
} from '../gen/runlet/v1/session_pb.ts';
import { ensure } from './assert.ts';

/** What a session's event tells. */
export type SessionEventBody = SessionEvent['event'];

/** An attached stream, past its first event. */
export interface Attachment {
  readonly id: string;
  /** The first event. */
  readonly attached: SessionAttached;
  /** The next event that is no heartbeat; undefined at the end of the stream. */
  next(): Promise<SessionEventBody | undefined>;
  /** The next event, a heartbeat too; undefined at the end of the stream. */
  nextOfAll(): Promise<SessionEventBody | undefined>;
  /** Reads to the end of the stream, and fails as it does. */
  toEnd(): Promise<void>;
  /** Ends the stream, as a client does that goes away. */
  detach(): Promise<void>;
}

/**
 * Reads the first event of an `AttachSession` stream.
 *
 * @throws ConformanceError if that is another than `attached`
 */
export async function begin(responses: AsyncIterable<AttachSessionResponse>): Promise<Attachment> {
  const iterator = responses[Symbol.asyncIterator]();
  const nextOfAll = async (): Promise<SessionEventBody | undefined> => {
    const { done, value } = await iterator.next();
    return done === true ? undefined : (value.event?.event ?? { case: undefined });
  };
  const first = await nextOfAll();
  ensure(first?.case === 'attached', `the first event of an attachment was ${first?.case}`);
  const next = async (): Promise<SessionEventBody | undefined> => {
    for (;;) {
      const event = await nextOfAll();
      if (event?.case !== 'heartbeat') return event;
    }
  };
  return {
    id: first.value.attachmentId,
    attached: first.value,
    next,
    nextOfAll,
    async toEnd() {
      while ((await next()) !== undefined);
    },
    async detach() {
      await iterator.return?.();
    },
  };
}
