import type { CallContext } from '../../../bridge/call-context.ts';
import { invalidField } from '../../../errors.ts';
import type { StreamStdinRequest } from '../../../gen/runlet/v1/process_pb.ts';
import type { Process } from '../../../process/process.ts';
import { parseOffset } from '../../requests/fields.ts';
import { StdinAhead } from './stdin-ahead.ts';

/** Writes a stream of messages to the stdin of the process that `find` finds by the first of them. */
export async function streamStdin(
  requests: AsyncIterable<StreamStdinRequest>,
  context: CallContext,
  find: (first: StreamStdinRequest) => Process,
): Promise<{ readonly acceptedOffset: bigint }> {
  const { signal } = context;
  let target: { readonly sessionId: string; readonly process: Process } | undefined;
  let stdin: StdinAhead | undefined;
  for await (const request of requests) {
    const { data, eof } = request;
    const offset = parseOffset('offset', request.offset);
    if (target === undefined || stdin === undefined) {
      const process = find(request);
      target = { sessionId: request.sessionId, process };
      stdin = new StdinAhead(
        {
          write: (write) => process.writeStdin(write, signal),
          onFailure: (error) => context.fail(error),
        },
        signal,
      );
    }
    assertSameTarget(target.sessionId, target.process.id, request);
    await stdin.take({ offset, data, eof });
    signal.throwIfAborted();
  }
  if (stdin === undefined) throw invalidField('session_id', 'is required');
  return { acceptedOffset: BigInt(await stdin.written()) };
}

/** A stream is about one process, whatever its later messages say. */
function assertSameTarget(
  sessionId: string,
  processId: string,
  request: { readonly sessionId: string; readonly processId: string },
): void {
  for (const [field, first, later] of [
    ['session_id', sessionId, request.sessionId],
    ['process_id', processId, request.processId],
  ] as const) {
    if (later !== '' && later !== first) {
      throw invalidField(field, 'differs from that of the first message');
    }
  }
}
