import type { ServiceError, status } from '@grpc/grpc-js';
import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { RunletError } from '../../../src/errors.ts';
import type { ProcessEvent } from '../../../src/gen/runlet/v1/event_pb.ts';
import { Overflow, ProcessState } from '../../../src/gen/runlet/v1/process_pb.ts';
import { onEvents, onFailures, onRequests, onResponses, onStarts } from './hooks.ts';
import type { Mutant } from './mutant.ts';

function reasonOf(error: unknown): string | undefined {
  return isCallError(error) ? callErrorDetails(error).info?.reason : undefined;
}

/** The same failure with another status code, as a server says that means something else by it. */
export function recoded(error: ServiceError, code: status): ServiceError {
  return Object.assign(error, { code });
}

/** Polls, gaps and retention. */
export const ofReading: readonly Mutant[] = [
  {
    fault: '`next_after_seq` is the event before the last',
    fails: ['READ-01', 'READ-06'],
    mutate: (real) =>
      onResponses(real, ['readProcess'], (response) => {
        if (response.events.length > 0) response.nextAfterSeq -= 1n;
      }),
  },
  {
    fault: 'polls that may wait for long do not wait',
    fails: ['READ-02', 'FENCE-02'],
    mutate: (real) =>
      onRequests(real, ['readProcess'], (request) => {
        if ((request.wait?.seconds ?? 0n) >= 30n) delete request.wait;
      }),
  },
  {
    fault: 'a poll that finds nothing at once fails',
    fails: ['READ-03', 'READ-04'],
    mutate: (real) =>
      onResponses(real, ['readProcess'], ({ events }, { wait }) => {
        if (events.length === 0 && wait === undefined) throw new RunletError('SEQ_BEYOND_END');
      }),
  },
  {
    fault: '`max_bytes` is ignored',
    fails: ['READ-04'],
    mutate: (real) =>
      onRequests(real, ['readProcess'], (request) => {
        request.maxBytes = 0;
      }),
  },
  {
    fault: 'a poll after the last event returns that again',
    fails: ['READ-05'],
    mutate: (real) => ({
      ...real,
      async readProcess(request, context) {
        const response = await real.readProcess(request, context);
        const closed = response.process?.state === ProcessState.CLOSED;
        if (response.events.length > 0 || !closed || request.wait === undefined) return response;
        return real.readProcess({ ...request, afterSeq: request.afterSeq - 1n }, context);
      },
    }),
  },
  {
    fault: 'to go on beyond the end is to wait for what comes',
    fails: ['ERROR-01', 'EVENT-11', 'READ-07'],
    mutate: (real) => ({
      ...real,
      async *watchProcess(request, context) {
        try {
          yield* real.watchProcess(request, context);
        } catch (error) {
          if (reasonOf(error) !== 'SEQ_BEYOND_END') throw error;
        }
      },
      async readProcess(request, context) {
        try {
          return await real.readProcess(request, context);
        } catch (error) {
          if (reasonOf(error) !== 'SEQ_BEYOND_END') throw error;
          return {
            $typeName: 'runlet.v1.ReadProcessResponse',
            events: [],
            nextAfterSeq: request.afterSeq,
          };
        }
      },
    }),
  },
  {
    fault: 'a gap is a byte longer than what is missing',
    fails: ['GAP-01'],
    mutate: (real) =>
      onEvents(real, () => (event) => {
        if (event.event.case === 'gap')
          for (const range of event.event.value.ranges) range.length += 1n;
        return [event];
      }),
  },
  {
    fault: 'a gap tells of one stream alone',
    fails: ['GAP-01'],
    mutate: (real) =>
      onEvents(real, () => (event) => {
        if (event.event.case === 'gap') event.event.value.ranges.splice(1);
        return [event];
      }),
  },
  {
    fault: 'a gap bears the number of the event before the last that it stands for',
    fails: ['GAP-03', 'GAP-04'],
    mutate: (real) =>
      onEvents(real, () => (event) => {
        if (event.event.case === 'gap') event.seq -= 1n;
        return [event];
      }),
  },
  {
    fault: 'the start is dropped together with old output',
    fails: ['GAP-03', 'GAP-05'],
    mutate: (real) =>
      onResponses(real, ['watchProcess'], (response) => {
        const gone = response.events.some(({ event }) => event.case === 'gap');
        if (gone) response.events = response.events.filter(notStarted);
      }),
  },
  {
    fault: 'twice as much output is kept',
    fails: ['GAP-02'],
    also: ['ACK-02', 'ACK-08', 'INTERACT-10'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.output && spec.output.retainedBytes < 100_000n) spec.output.retainedBytes *= 2n;
      }),
  },
  {
    fault: '`OVERFLOW_PAUSE` drops the oldest',
    fails: ['GAP-06'],
    also: ['ACK-01', 'ACK-02', 'ACK-03', 'ACK-04', 'ACK-06', 'ACK-07', 'ACK-08'],
    mutate: (real) =>
      onRequests(real, ['startProcess'], ({ spec }) => {
        if (spec?.output?.overflow === Overflow.PAUSE) spec.output.overflow = Overflow.DROP_OLDEST;
      }),
  },
  {
    fault: 'a process that was evicted looks like one that never was',
    fails: ['RETAIN-02', 'RETAIN-04'],
    mutate: (real) =>
      onFailures(real, (error, reason) =>
        reason === 'PROCESS_EVICTED' ? new RunletError('PROCESS_NOT_FOUND') : error,
      ),
  },
  {
    fault: 'a process that never was looks like one that was evicted',
    fails: ['ERROR-06', 'FENCE-06', 'RETAIN-07'],
    mutate: (real) =>
      onFailures(real, (error, reason) =>
        reason === 'PROCESS_NOT_FOUND' ? new RunletError('PROCESS_EVICTED') : error,
      ),
  },
  {
    fault: 'the id of a process that was evicted stays taken',
    fails: ['RETAIN-03'],
    also: ['REQUEST-13'],
    mutate: (real) => {
      const taken = new Set<string>();
      return {
        ...real,
        async startProcess(request, context) {
          const id = `${request.sessionId} ${request.processId}`;
          if (taken.has(id) && request.requestId === '') throw new RunletError('PROCESS_EXISTS');
          const response = await real.startProcess(request, context);
          taken.add(id);
          return response;
        },
      };
    },
  },
  {
    fault: 'a start that is repeated after the eviction runs the command again',
    fails: ['RETAIN-04'],
    mutate: (real) => ({
      ...real,
      async startProcess(request, context) {
        try {
          return await real.startProcess(request, context);
        } catch (error) {
          if (reasonOf(error) !== 'PROCESS_EVICTED') throw error;
          return real.startProcess({ ...request, requestId: '' }, context);
        }
      },
    }),
  },
  {
    fault: 'retention begins at the exit',
    fails: ['RETAIN-05'],
    mutate: (real) => {
      const brief = new Set<string>();
      const started = onStarts(real, ({ processId, spec }) => {
        const none = spec.retention?.seconds === 0n && spec.retention.nanos === 0;
        if (none) brief.add(processId);
        else brief.delete(processId);
      });
      return onResponses(started, ['getProcess'], ({ process }, { processId }) => {
        const exited = process?.state === ProcessState.EXITED;
        if (exited && brief.has(processId)) throw new RunletError('PROCESS_EVICTED');
      });
    },
  },
  {
    fault: 'streams are cut when their process is evicted',
    fails: ['RETAIN-05', 'RETAIN-06'],
    mutate: (real) => {
      const brief = new Set<string>();
      const started = onStarts(real, ({ processId, spec }) => {
        const none = spec.retention?.seconds === 0n && spec.retention.nanos === 0;
        if (none) brief.add(processId);
        else brief.delete(processId);
      });
      return onResponses(started, ['watchProcess'], (response, { processId }) => {
        const last = response.events.some(({ event }) => event.case === 'closed');
        if (last && brief.has(processId)) throw new RunletError('PROCESS_EVICTED');
      });
    },
  },
];

function notStarted({ event }: ProcessEvent): boolean {
  return event.case !== 'started';
}
