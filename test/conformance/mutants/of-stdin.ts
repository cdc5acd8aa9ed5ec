import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { ErrorInfoSchema } from '../../../src/gen/google/rpc/error_details_pb.ts';
import type {
  StreamStdinRequest,
  WriteStdinRequest,
} from '../../../src/gen/runlet/v1/process_pb.ts';
import { SignalScope } from '../../../src/gen/runlet/v1/signal_pb.ts';
import { onFailures, onRequests, onResponses, withDetails } from './hooks.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

function isStdinClosed(error: unknown): boolean {
  return isCallError(error) && callErrorDetails(error).info?.reason === 'STDIN_CLOSED';
}

function accepted(acceptedOffset: bigint) {
  return { $typeName: 'runlet.v1.WriteStdinResponse', acceptedOffset } as const;
}

/** Whether a write is more than a pipe takes, and not more than a request may have. */
function isLarge({ data }: WriteStdinRequest): boolean {
  return data.byteLength > 100_000 && data.byteLength < 1_000_000;
}

/** Puts something in the place of every write, which knows how much its process accepted. */
function onWrites(
  real: Services,
  write: (
    request: WriteStdinRequest,
    place: bigint,
    forward: (request: WriteStdinRequest) => ReturnType<Services['writeStdin']>,
  ) => ReturnType<Services['writeStdin']>,
): Services {
  const places = new Map<string, bigint>();
  return {
    ...real,
    async writeStdin(request, context) {
      const place = places.get(request.processId) ?? 0n;
      const response = await write(request, place, (one) => real.writeStdin(one, context));
      places.set(request.processId, response.acceptedOffset);
      return response;
    },
  };
}

/** Standard input. */
export const ofStdin: readonly Mutant[] = [
  {
    fault: 'the bytes of a write with `eof` are lost',
    fails: ['START-08', 'STDIN-01', 'STDIN-04', 'STDIN-12', 'STREAM-02', 'INTERACT-06'],
    mutate: (real) =>
      onRequests(real, ['writeStdin'], (request) => {
        if (request.eof) request.data = new Uint8Array();
      }),
  },
  {
    fault: 'a write to a standard input that is closed is dropped in silence',
    fails: ['STDIN-02', 'STDIN-07', 'STDIN-08', 'STDIN-09', 'STDIN-11', 'ERROR-01'],
    mutate: (real) =>
      onWrites(real, async (request, place, forward) => {
        try {
          return await forward(request);
        } catch (error) {
          if (!isStdinClosed(error)) throw error;
          return accepted(place);
        }
      }),
  },
  {
    fault: '`accepted_offset` counts the bytes of the write alone',
    fails: ['STDIN-03', 'STDIN-04', 'STDIN-05'],
    mutate: (real) =>
      onResponses(real, ['writeStdin'], (response, { data }) => {
        response.acceptedOffset = BigInt(data.byteLength);
      }),
  },
  {
    fault: 'a write that is repeated is doubled',
    fails: ['STDIN-04', 'STDIN-05', 'STDIN-06'],
    mutate: (real) =>
      onRequests(real, ['writeStdin'], (request) => {
        delete request.offset;
      }),
  },
  {
    fault: 'a write that overlaps what was accepted is skipped whole',
    fails: ['STDIN-05'],
    mutate: (real) =>
      onWrites(real, async (request, place, forward) => {
        const { data, offset } = request;
        if (offset === undefined || offset >= place) return forward(request);
        return offset + BigInt(data.byteLength) > place ? accepted(place) : forward(request);
      }),
  },
  {
    fault: 'STDIN_OFFSET_GAP does not tell how much was accepted',
    fails: ['STDIN-06'],
    mutate: (real) =>
      onFailures(real, (error, reason) =>
        reason === 'STDIN_OFFSET_GAP'
          ? withDetails(error, ErrorInfoSchema, (info) => ({ ...info, metadata: {} }))
          : error,
      ),
  },
  {
    fault: 'a process that closed its standard input is killed by a write',
    fails: ['STDIN-08'],
    mutate: (real) => ({
      ...real,
      async writeStdin(request, context) {
        try {
          return await real.writeStdin(request, context);
        } catch (error) {
          const { attachmentId, processId, sessionId } = request;
          if (isStdinClosed(error)) {
            await real.terminateProcess(
              {
                $typeName: 'runlet.v1.TerminateProcessRequest',
                attachmentId,
                processId,
                sessionId,
                scope: SignalScope.TREE,
              },
              context,
            );
          }
          throw error;
        }
      },
    }),
  },
  {
    fault: 'a large write is answered before the process has taken it',
    fails: ['STDIN-09', 'FENCE-05'],
    mutate: (real) => {
      let before: Promise<unknown> = Promise.resolve();
      const chains = new Map<string, typeof before>();
      return onWrites(real, async (request, place, forward) => {
        before = chains.get(request.processId) ?? Promise.resolve();
        const written = before.then(() => forward(request));
        const settled = written.catch(() => {});
        chains.set(request.processId, settled);
        return isLarge(request) ? accepted(place + BigInt(request.data.byteLength)) : written;
      });
    },
  },
  {
    fault: 'large writes at the same time are mixed',
    fails: ['STDIN-10'],
    mutate: (real) =>
      onWrites(real, async (request, place, forward) => {
        const { data, eof } = request;
        let response = accepted(place) as Awaited<ReturnType<typeof forward>>;
        if (!isLarge(request)) return forward(request);
        for (let i = 0; i < data.byteLength; i += 50_000) {
          const piece = { ...request, data: data.subarray(i, i + 50_000), eof: false };
          response = await forward(piece);
        }
        return eof ? forward({ ...request, data: new Uint8Array() }) : response;
      }),
  },
  {
    fault: 'the end of a stream to standard input is end-of-file',
    fails: ['STREAM-02', 'STREAM-03'],
    mutate: (real) => ({
      ...real,
      streamStdin: (requests, context) => real.streamStdin(withEof(requests), context),
    }),
  },
  {
    fault: 'offsets are ignored in a stream to standard input',
    fails: ['STREAM-03'],
    mutate: (real) =>
      onRequests(real, ['streamStdin'], (request) => {
        delete request.offset;
      }),
  },
  {
    fault: 'a stream to standard input answers how many bytes it brought itself',
    fails: ['STREAM-01'],
    mutate: (real) => ({
      ...real,
      async streamStdin(requests, context) {
        let bytes = 0;
        const counted = onEach(requests, ({ data }) => {
          bytes += data.byteLength;
        });
        const response = await real.streamStdin(counted, context);
        const before = response.acceptedOffset - BigInt(bytes);
        // What is repeated is not brought.
        return before > 0n ? { ...response, acceptedOffset: BigInt(bytes) } : response;
      },
    }),
  },
  {
    fault: 'a stream to standard input goes on with the first process, whatever it names',
    fails: ['STREAM-04'],
    mutate: (real) => ({
      ...real,
      streamStdin(requests, context) {
        let first: string | undefined;
        const named = onEach(requests, (request) => {
          first ??= request.processId;
          if (request.processId !== '') request.processId = first;
        });
        return real.streamStdin(named, context);
      },
    }),
  },
];

async function* onEach(
  requests: AsyncIterable<StreamStdinRequest>,
  change: (request: StreamStdinRequest) => void,
): AsyncGenerator<StreamStdinRequest> {
  for await (const request of requests) {
    change(request);
    yield request;
  }
}

async function* withEof(
  requests: AsyncIterable<StreamStdinRequest>,
): AsyncGenerator<StreamStdinRequest> {
  let last: StreamStdinRequest | undefined;
  for await (const request of requests) {
    last = request;
    yield request;
  }
  if (last !== undefined && !last.eof) {
    const { offset: _, ...rest } = last;
    yield { ...rest, data: new Uint8Array(), eof: true };
  }
}
