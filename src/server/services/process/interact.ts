import { create } from '@bufbuild/protobuf';
import type { CallContext } from '../../../bridge/call-context.ts';
import { EncodedMessage } from '../../../bridge/encoded-message.ts';
import { invalidField, RunletError } from '../../../errors.ts';
import { type InteractRequest, InteractResponseSchema } from '../../../gen/runlet/v1/process_pb.ts';
import type { EventCursor } from '../../../output/event-cursor.ts';
import type { Process } from '../../../process/process.ts';
import type { Audit } from '../../../telemetry/audit.ts';
import { callerOf } from '../../caller.ts';
import { followEvents } from '../../event-stream.ts';
import { processMessage } from '../../messages.ts';
import { assertMayInteract } from '../../method-grants.ts';
import {
  parseOffset,
  parseOptionalId,
  parseSignal,
  parseTerminalSize,
  parseUint64,
} from '../../requests/fields.ts';
import {
  type FoundProcess,
  findProcess,
  type ProcessMethods,
  type ProcessServiceOptions,
  startProcess,
} from './process-calls.ts';
import { recordSignal, signalDetail } from './record-signal.ts';
import { StdinAhead } from './stdin-ahead.ts';

/** The process that a call interacts with, and the events that it is given. */
interface Interaction extends FoundProcess {
  readonly cursor: EventCursor;
}

/** `Interact`. */
export function interactive(options: ProcessServiceOptions): ProcessMethods<'interact'> {
  return {
    async *interact(requests, context) {
      const messages = requests[Symbol.asyncIterator]();
      const first = await messages.next();
      const request = first.done === true ? { case: undefined } : first.value.request;
      assertMayInteract(callerOf(context), request.case);
      const { cursor, process, session } = await begin(options, request, context);
      // It goes on beside the events, and never rejects.
      void takeMessages(messages, process, cursor, context, options.audit).catch((error) =>
        context.fail(error),
      );
      try {
        yield create(InteractResponseSchema, { process: processMessage(session.id, process) });
        const { heartbeatMs } = options.limits;
        for await (const bytes of followEvents(cursor, context.signal, heartbeatMs)) {
          yield new EncodedMessage(InteractResponseSchema, bytes);
        }
      } finally {
        // The process is not harmed by the end of the call.
        cursor.close();
      }
    },
  };
}

/** Makes of the first message what the rest is about. */
async function begin(
  options: ProcessServiceOptions,
  first: InteractRequest['request'],
  context: CallContext,
): Promise<Interaction> {
  if (first.case === 'start') {
    const found = await startProcess(options, first.value, context);
    return { ...found, cursor: found.session.processes.openCursor(found.process.id, 0) };
  }
  if (first.case !== 'attach') throw invalidField('request', 'must begin with start or attach');
  const afterSeq = parseUint64('attach.after_seq', first.value.afterSeq);
  const readerId = parseOptionalId('attach.reader_id', first.value.readerId);
  const found = findProcess(options, first.value, context);
  const cursor = found.session.processes.openCursor(found.process.id, afterSeq, { readerId });
  return { ...found, cursor };
}

/** Does what the messages say, in their order. Their end means nothing. */
async function takeMessages(
  messages: AsyncIterator<InteractRequest>,
  process: Process,
  cursor: EventCursor,
  context: CallContext,
  audit: Audit,
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
  const caller = callerOf(context);
  for (;;) {
    const next = await messages.next();
    if (next.done === true || context.signal.aborted) return;
    const { request } = next.value;
    assertMayInteract(caller, request.case);
    if (request.case === 'stdin') {
      const { data, eof } = request.value;
      const offset = parseOffset('stdin.offset', request.value.offset);
      await stdin.take({ offset, data, eof });
    } else if (request.case === 'signal') {
      const { scope, signal } = parseSignal('signal', request.value);
      await recordSignal(audit, context, signalDetail(signal, scope), () =>
        process.signal(signal, scope),
      );
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
