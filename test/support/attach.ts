import type { AttachMode, SessionEvent } from '../../src/gen/runlet/v1/session_pb.ts';
import type { Clients } from './harness.ts';

/** An attached stream, past its first event. */
export interface Attached {
  readonly attachmentId: string;
  /** What the first event told of the processes. */
  readonly processIds: readonly string[];
  /** The next event, heartbeats included; undefined at the end of the stream. */
  next(): Promise<SessionEvent['event'] | undefined>;
  /** Fails as the stream does. */
  toEnd(): Promise<void>;
  /** Ends the stream, as a client does that goes away. */
  detach(): Promise<void>;
}

/** Attaches to a session. */
export async function attach(
  { sessions }: Pick<Clients, 'sessions'>,
  sessionId: string,
  mode?: AttachMode,
): Promise<Attached> {
  const stream = sessions
    .attachSession(mode === undefined ? { sessionId } : { sessionId, mode })
    [Symbol.asyncIterator]();
  const next = async (): Promise<SessionEvent['event'] | undefined> =>
    ((await stream.next()).value as { event?: SessionEvent } | undefined)?.event?.event;
  const first = await next();
  if (first?.case !== 'attached') throw new Error(`the first event was ${first?.case}`);
  return {
    attachmentId: first.value.attachmentId,
    processIds: first.value.processes.map(({ processId }) => processId),
    next,
    async toEnd() {
      while ((await next()) !== undefined);
    },
    async detach() {
      await stream.return?.();
    },
  };
}
