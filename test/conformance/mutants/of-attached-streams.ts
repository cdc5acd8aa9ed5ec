import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { RunletError } from '../../../src/errors.ts';
import { ProcessState } from '../../../src/gen/runlet/v1/process_pb.ts';
import { AttachMode, type SessionEvent } from '../../../src/gen/runlet/v1/session_pb.ts';
import { onRequests, onSessionEvents } from './hooks.ts';
import type { Mutant } from './mutant.ts';

function reasonOf(error: unknown): string | undefined {
  return isCallError(error) ? callErrorDetails(error).info?.reason : undefined;
}

/** Attached streams. */
export const ofAttachedStreams: readonly Mutant[] = [
  {
    fault: 'the processes in `attached` are in the order of their ids',
    fails: ['ATTACH-01'],
    mutate: (real) =>
      onSessionEvents(real, () => (event) => {
        if (event.event.case === 'attached') {
          event.event.value.processes.sort((a, b) => (a.processId < b.processId ? -1 : 1));
        }
        return [event];
      }),
  },
  {
    fault: 'an attached stream tells the closing before the exit',
    fails: ['ATTACH-02', 'ATTACH-03'],
    mutate: (real) =>
      onSessionEvents(real, () => {
        let held: SessionEvent | undefined;
        return (event) => {
          const before = held;
          held = event.event.case === 'processExited' ? event : undefined;
          if (held !== undefined) return [];
          return before === undefined ? [event] : [event, before];
        };
      }),
  },
  {
    fault: 'the eviction of a process is told without its id',
    fails: ['ATTACH-02'],
    mutate: (real) =>
      onSessionEvents(real, () => (event) => {
        if (event.event.case === 'processEvicted') event.event.value.processId = '';
        return [event];
      }),
  },
  {
    fault: 'the events of an attached stream show all processes as running',
    fails: ['ATTACH-03'],
    mutate: (real) =>
      onSessionEvents(real, () => (event) => {
        const { value } = event.event;
        if (value !== undefined && 'process' in value && value.process) {
          value.process.state = ProcessState.RUNNING;
        }
        return [event];
      }),
  },
  {
    fault: '`ATTACH_MODE_REJECT_IF_ATTACHED` takes over',
    fails: ['ATTACH-04'],
    mutate: (real) =>
      onRequests(real, ['attachSession'], (request) => {
        if (request.mode === AttachMode.REJECT_IF_ATTACHED) request.mode = AttachMode.TAKE_OVER;
      }),
  },
  {
    fault: 'an attached stream ends without a status when the session is closed',
    fails: ['ATTACH-05'],
    mutate: (real) => ({
      ...real,
      async *attachSession(request, context) {
        try {
          yield* real.attachSession(request, context);
        } catch (error) {
          if (reasonOf(error) !== 'SESSION_CLOSED') throw error;
        }
      },
    }),
  },
  {
    fault: 'a session can be attached to once in its life',
    fails: [
      'ATTACH-06',
      'FENCE-01',
      'FENCE-02',
      'FENCE-03',
      'FENCE-04',
      'FENCE-05',
      'FENCE-06',
      'FENCE-07',
      'FENCE-08',
      'FENCE-10',
      'RESUME-01',
      'RESUME-02',
      'RESUME-04',
      'RESUME-06',
    ],
    also: ['RESUME-07'],
    mutate: (real) => {
      const attached = new Set<string>();
      return {
        ...real,
        async *attachSession(request, context) {
          const { sessionId } = request;
          if (attached.has(sessionId)) throw new RunletError('SESSION_ALREADY_ATTACHED');
          for await (const response of real.attachSession(request, context)) {
            attached.add(sessionId);
            yield response;
          }
        },
      };
    },
  },
];
