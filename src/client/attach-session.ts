import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CallOptions } from '../bridge/types.ts';
import type { Clock } from '../clock.ts';
import type { Process as ProcessMessage } from '../gen/runlet/v1/process_pb.ts';
import type {
  AttachSessionRequestSchema,
  AttachSessionResponse,
  SessionAttached,
  SessionEvent,
  Session as SessionMessage,
} from '../gen/runlet/v1/session_pb.ts';
import { ConnectionError } from './errors.ts';
import type { Generation } from './generation.ts';
import { within } from './waiting.ts';

/** How a session is attached. */
export interface AttachOptions {
  readonly call: CallOptions;
  readonly clock: Clock;
  /** How long each step may take, in milliseconds. */
  readonly attemptMs: number;
  /** How long the stream may be silent afterward, in milliseconds. */
  readonly silenceMs: number;
}

/** A session that was attached. */
export interface AttachedSession {
  readonly session: SessionMessage | undefined;
  /** Its processes at that moment, all of them. */
  readonly processes: readonly ProcessMessage[];
  /** Everything that happens from then on, to the end of the stream; to be read without delay. */
  readonly events: AsyncIterable<SessionEvent['event']>;
}

type AttachRequest = MessageInitShape<typeof AttachSessionRequestSchema> & {
  readonly sessionId: string;
};

/** Attaches to a session over a generation's connections, which carry the attachment then. */
export async function attachSession(
  generation: Generation,
  request: AttachRequest,
  { attemptMs, call, clock, silenceMs }: AttachOptions,
): Promise<AttachedSession> {
  const options = { ...call, signal: generation.signal };
  const stream = generation.control.sessions
    .attachSession(request, options)
    [Symbol.asyncIterator]();
  const next = async (ms: number): Promise<AttachSessionResponse | undefined> => {
    const waited = within(stream.next(), ms, clock, 'nothing came of the attached session');
    const { done, value } = await waited;
    return done ? undefined : value;
  };
  const first = (await next(attemptMs))?.event?.event;
  if (first?.case !== 'attached') throw new ConnectionError('the session did not attach', false);
  const { attachmentId, session } = first.value;
  generation.attachmentId = attachmentId;
  const processes = await within(
    listAllProcesses(generation, request.sessionId, first.value, options),
    attemptMs,
    clock,
    'the list of processes did not come',
  );
  async function* events(): AsyncGenerator<SessionEvent['event']> {
    for (let event = await next(silenceMs); event !== undefined; event = await next(silenceMs)) {
      if (event.event !== undefined) yield event.event.event;
    }
  }
  return { session, processes, events: events() };
}

/** All processes of a session at the moment of its attachment, those of further pages too. */
async function listAllProcesses(
  generation: Generation,
  sessionId: string,
  attached: SessionAttached,
  options: CallOptions,
): Promise<readonly ProcessMessage[]> {
  const all = [...attached.processes];
  const { attachmentId, control } = generation;
  let pageToken = attached.nextPageToken;
  while (pageToken !== '') {
    const request = { sessionId, attachmentId, pageToken };
    const page = await control.processes.listProcesses(request, options);
    all.push(...page.processes);
    pageToken = page.nextPageToken;
  }
  return all;
}
