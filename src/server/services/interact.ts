import { create } from '@bufbuild/protobuf';
import type { CallContext } from '../../bridge/call-context.ts';
import { EncodedMessage } from '../../bridge/encoded-message.ts';
import { invalidField, RunletError } from '../../errors.ts';
import {
  type InteractRequest,
  type InteractResponse,
  InteractResponseSchema,
} from '../../gen/runlet/v1/process_pb.ts';
import type { EventCursor } from '../../output/event-cursor.ts';
import type { Process } from '../../process/process.ts';
import { followEvents } from '../event-stream.ts';
import { processMessage } from '../messages.ts';
import { parseOffset, parseSignal, parseTerminalSize, parseUint64 } from '../requests/fields.ts';
import { StdinAhead } from './stdin-ahead.ts';

/** The process that a call interacts with, and the events that it is given. */
export interface Interaction {
  readonly sessionId: string;
  readonly process: Process;
  readonly cursor: EventCursor;
}

type Request = InteractRequest['request'];

/**
 * Interacts with a process: `begin` makes of the first message what the rest is
 * about. The process is not harmed by the end of the call.
 */
export async function* interact(
  requests: AsyncIterable<InteractRequest>,
  context: CallContext,
  heartbeatMs: number,
  begin: (first: Request) => Promise<Interaction>,
): AsyncGenerator<InteractResponse | EncodedMessage<typeof InteractResponseSchema>> {
  const messages = requests[Symbol.asyncIterator]();
  const first = await messages.next();
  const { cursor, process, sessionId } = await begin(
    first.done === true ? { case: undefined } : first.value.request,
  );
  // It goes on beside the events, and never rejects.
  void takeMessages(messages, process, cursor, context).catch((error) => context.fail(error));
  try {
    yield create(InteractResponseSchema, { process: processMessage(sessionId, process) });
    for await (const bytes of followEvents(cursor, context.signal, heartbeatMs)) {
      yield new EncodedMessage(InteractResponseSchema, bytes);
    }
  } finally {
    cursor.close();
  }
}

/** Does what the messages say, in their order. Their end means nothing. */
async function takeMessages(
  messages: AsyncIterator<InteractRequest>,
  process: Process,
  cursor: EventCursor,
  context: CallContext,
): Promise<void> {
  const stdin = new StdinAhead(
    {
      write: (write, signal) => process.writeStdin(write, signal),
      onFailure(error) {
        const closed = error instanceof RunletError && error.reason === 'STDIN_CLOSED';
        if (!closed) context.fail(error);
      },
    },
    context.signal,
  );
  for (;;) {
    const next = await messages.next();
    if (next.done === true || context.signal.aborted) return;
    const { request } = next.value;
    if (request.case === 'stdin') {
      const { data, eof } = request.value;
      const offset = parseOffset('stdin.offset', request.value.offset);
      await stdin.take({ offset, data, eof });
    } else if (request.case === 'signal') {
      const { scope, signal } = parseSignal('signal', request.value);
      await process.signal(signal, scope);
    } else if (request.case === 'resize') {
      process.resizeTerminal(parseTerminalSize('resize', request.value));
    } else if (request.case === 'acknowledge') {
      cursor.acknowledge(parseUint64('acknowledge.seq', request.value.seq));
    } else {
      throw invalidField(
        'request',
        'must be stdin, resize, signal or acknowledge after the first message',
      );
    }
  }
}
