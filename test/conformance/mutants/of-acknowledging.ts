import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { RunletError } from '../../../src/errors.ts';
import type { InteractRequest } from '../../../src/gen/runlet/v1/process_pb.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

type Watched = Parameters<Services['watchProcess']>;

/** Acknowledges for the client whatever it is sent. */
async function* acknowledged(
  real: Services,
  [request, context]: Watched,
  readerId: string,
): ReturnType<Services['watchProcess']> {
  const { attachmentId, processId, sessionId } = request;
  const reader = { attachmentId, processId, sessionId, readerId };
  for await (const response of real.watchProcess({ ...request, readerId }, context)) {
    const seq = response.events.at(-1)?.seq;
    if (seq !== undefined) {
      const $typeName = 'runlet.v1.AcknowledgeOutputRequest';
      await real.acknowledgeOutput({ $typeName, ...reader, seq, done: false }, context);
    }
    yield response;
  }
}

/** Takes whoever broke off for one that leaves for good, when it is told of another. */
function forgetting(real: Services): Services {
  const gone = new Set<string>();
  return {
    ...real,
    async *watchProcess(request, context) {
      try {
        yield* real.watchProcess(request, context);
      } finally {
        if (request.readerId !== '') gone.add(request.readerId);
      }
    },
    async acknowledgeOutput(request, context) {
      for (const readerId of gone) {
        await real.acknowledgeOutput({ ...request, readerId, seq: 0n, done: true }, context);
      }
      return real.acknowledgeOutput(request, context);
    },
  };
}

/** What is kept of what was sent. */
export const ofAcknowledging: readonly Mutant[] = [
  {
    fault: 'what was sent counts as acknowledged',
    fails: ['ACK-01', 'ACK-06'],
    also: ['ACK-07', 'ACK-08'],
    mutate: (real) => ({
      ...real,
      watchProcess: (request, context) =>
        request.readerId === ''
          ? real.watchProcess(request, context)
          : acknowledged(real, [request, context], request.readerId),
    }),
  },
  {
    fault: 'what was acknowledged is kept for ever',
    fails: ['ACK-02'],
    also: ['ACK-08'],
    mutate: (real) => ({
      ...real,
      acknowledgeOutput: (request, context) =>
        real.acknowledgeOutput({ ...request, readerId: 'nobody' }, context),
    }),
  },
  {
    fault: 'what was sent to a stream that acknowledges nothing is not kept',
    fails: ['ACK-03'],
    also: ['RETAIN-05', 'RETAIN-06', 'SESSION-08'],
    mutate: (real) => ({
      ...real,
      watchProcess: (request, context) =>
        request.readerId === ''
          ? acknowledged(real, [request, context], 'made up')
          : real.watchProcess(request, context),
    }),
  },
  {
    fault: 'what a poll returned is not kept',
    fails: ['ACK-04'],
    mutate: (real) => ({
      ...real,
      async readProcess(request, context) {
        const response = await real.readProcess(request, context);
        // The next one acknowledges it.
        const { nextAfterSeq } = response;
        await real.readProcess(
          { ...request, afterSeq: nextAfterSeq, wait: undefined, maxBytes: 1 },
          context,
        );
        return response;
      },
    }),
  },
  {
    fault: 'what is acknowledged need not be there',
    fails: ['ACK-05'],
    mutate: (real) => ({
      ...real,
      async acknowledgeOutput(request, context) {
        try {
          return await real.acknowledgeOutput(request, context);
        } catch (error) {
          if (!isCallError(error)) throw error;
          if (callErrorDetails(error).info?.reason !== 'SEQ_BEYOND_END') throw error;
          return { $typeName: 'runlet.v1.AcknowledgeOutputResponse' };
        }
      },
    }),
  },
  {
    fault: 'only a stream that goes on can be acknowledged to',
    fails: ['ACK-06'],
    mutate: (real) => ({
      ...real,
      acknowledgeOutput: async (request, context) => {
        if (request.readerId === 'nobody') throw new RunletError('PROCESS_NOT_FOUND');
        return real.acknowledgeOutput(request, context);
      },
    }),
  },
  {
    fault: 'a reader that broke off is forgotten at once',
    fails: ['ACK-07'],
    also: ['ACK-02', 'ACK-08'],
    mutate: forgetting,
  },
  {
    fault: 'a reader that leaves for good is waited for',
    fails: ['ACK-08'],
    mutate: (real) => ({
      ...real,
      acknowledgeOutput: (request, context) =>
        real.acknowledgeOutput({ ...request, done: false }, context),
    }),
  },
  {
    fault: 'a call that interacts takes no acknowledgments',
    fails: ['INTERACT-10'],
    mutate: (real) => ({
      ...real,
      interact: (requests, context) => real.interact(withoutAcknowledgments(requests), context),
    }),
  },
];

async function* withoutAcknowledgments(
  requests: AsyncIterable<InteractRequest>,
): AsyncGenerator<InteractRequest> {
  for await (const request of requests) {
    if (request.request.case !== 'acknowledge') yield request;
  }
}
