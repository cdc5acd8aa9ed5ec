import { randomUUID } from 'node:crypto';
import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { RunletError } from '../../../src/errors.ts';
import { AttachMode, type AttachSessionRequest } from '../../../src/gen/runlet/v1/session_pb.ts';
import { onRequests, onResponses, onSessionEvents } from './hooks.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

type Fenced =
  | 'getProcess'
  | 'listProcesses'
  | 'readProcess'
  | 'signalProcess'
  | 'startProcess'
  | 'terminateProcess'
  | 'waitProcess'
  | 'watchProcess'
  | 'writeStdin';

/** Lets calls of some kinds go on whoever attached. */
function unfenced(real: Services, names: readonly Fenced[]): Services {
  return onRequests(real, names, (request) => {
    if (request.attachmentId !== 'nonsense') request.attachmentId = '';
  });
}

/** An attach of nobody in particular. */
const NOBODY = { holderId: '', attempt: 0n };

/** Whether an attach is of a holder, and proper. */
function isHeld({ attempt, holderId }: AttachSessionRequest): boolean {
  return attempt > 0n && holderId.length === 36;
}

function isSuperseded(error: unknown): boolean {
  return isCallError(error) && callErrorDetails(error).info?.reason === 'ATTACHMENT_SUPERSEDED';
}

/** Fencing, resuming and heartbeats. */
export const ofAttachments: readonly Mutant[] = [
  {
    fault: 'a stream that is superseded ends without a status',
    fails: ['FENCE-01', 'RESUME-01', 'RESUME-06'],
    mutate: (real) => ({
      ...real,
      async *attachSession(request, context) {
        let attached = false;
        try {
          for await (const response of real.attachSession(request, context)) {
            attached = true;
            yield response;
          }
        } catch (error) {
          if (!attached || !isSuperseded(error)) throw error;
        }
      },
    }),
  },
  {
    fault: 'long polls are not fenced',
    fails: ['FENCE-02'],
    mutate: (real) =>
      onRequests(real, ['readProcess'], (request) => {
        if (request.wait !== undefined) request.attachmentId = '';
      }),
  },
  {
    fault: 'streams of events are not fenced',
    fails: ['FENCE-03'],
    mutate: (real) => unfenced(real, ['watchProcess']),
  },
  {
    fault: 'waits are not fenced',
    fails: ['FENCE-04'],
    mutate: (real) => unfenced(real, ['waitProcess']),
  },
  {
    fault: 'writes are not fenced',
    fails: ['FENCE-05'],
    mutate: (real) => unfenced(real, ['writeStdin']),
  },
  {
    fault: 'starts are not fenced',
    fails: ['FENCE-06'],
    mutate: (real) => unfenced(real, ['startProcess']),
  },
  {
    fault: 'lists are not fenced',
    fails: ['FENCE-07'],
    mutate: (real) => unfenced(real, ['listProcesses']),
  },
  {
    fault: 'to attach ends the long polls of everybody',
    fails: ['FENCE-08'],
    mutate: (real) => {
      const polls = new Map<string, Set<() => void>>();
      const noted: Services = {
        ...real,
        async readProcess(request, context) {
          const mine = polls.get(request.sessionId) ?? new Set();
          polls.set(request.sessionId, mine);
          const end = (): void => context.fail(new RunletError('ATTACHMENT_SUPERSEDED'));
          if (request.attachmentId === '') mine.add(end);
          try {
            return await real.readProcess(request, context);
          } finally {
            mine.delete(end);
          }
        },
      };
      return onRequests(noted, ['attachSession'], ({ sessionId }) => {
        for (const end of polls.get(sessionId) ?? []) end();
      });
    },
  },
  {
    fault: 'an `attachment_id` that it never gave is ignored',
    fails: ['FENCE-09'],
    mutate: (real) => {
      const given = new Set<string>();
      const noted = onSessionEvents(real, () => (event) => {
        if (event.event.case === 'attached') given.add(event.event.value.attachmentId);
        return [event];
      });
      return onRequests(noted, ['getProcess'], (request) => {
        if (!given.has(request.attachmentId)) request.attachmentId = '';
      });
    },
  },
  {
    fault: 'an attachment is over when its stream ends',
    fails: ['FENCE-10'],
    mutate: (real) => {
      const over = new Set<string>();
      const noted: Services = {
        ...real,
        async *attachSession(request, context) {
          for await (const response of real.attachSession(request, context)) {
            const { event } = response.event ?? {};
            if (event?.case === 'attached') {
              const { attachmentId } = event.value;
              context.defer(() => over.add(attachmentId));
            }
            yield response;
          }
        },
      };
      return onRequests(noted, ['getProcess'], ({ attachmentId }) => {
        if (over.has(attachmentId)) throw new RunletError('ATTACHMENT_SUPERSEDED');
      });
    },
  },
  {
    fault: '`ATTACH_MODE_RESUME` fails while a stream is attached',
    fails: ['RESUME-01', 'RESUME-02', 'RESUME-03', 'RESUME-04'],
    mutate: (real) =>
      onRequests(real, ['attachSession'], (request) => {
        if (request.mode !== AttachMode.RESUME || !isHeld(request)) return;
        Object.assign(request, NOBODY, { mode: AttachMode.REJECT_IF_ATTACHED });
      }),
  },
  {
    fault: '`ATTACH_MODE_REJECT_IF_ATTACHED` rejects a holder for an attachment of its own',
    fails: ['RESUME-06'],
    mutate: (real) =>
      onRequests(real, ['attachSession'], (request) => {
        const rejects = request.mode === AttachMode.REJECT_IF_ATTACHED;
        if (rejects && isHeld(request)) Object.assign(request, NOBODY);
      }),
  },
  {
    fault: '`ATTACH_MODE_RESUME` takes over',
    fails: ['RESUME-02', 'RESUME-03', 'RESUME-05'],
    mutate: (real) =>
      onRequests(real, ['attachSession'], (request) => {
        if (request.mode === AttachMode.RESUME) request.mode = AttachMode.TAKE_OVER;
      }),
  },
  {
    fault: 'an attempt to attach that comes late supersedes the latest',
    fails: ['RESUME-04'],
    also: ['RESUME-07'],
    mutate: (real) => {
      let count = 100n;
      return onRequests(real, ['attachSession'], (request) => {
        count += 1n;
        if (request.attempt > 0n) request.attempt = count;
      });
    },
  },
  {
    fault: 'a holder needs no attempt',
    fails: ['RESUME-05'],
    mutate: (real) =>
      onRequests(real, ['attachSession'], (request) => {
        if (request.holderId !== '' && request.attempt === 0n) request.attempt = 1n;
      }),
  },
  {
    fault: 'a late attempt is told only while its holder is attached',
    fails: ['RESUME-07'],
    mutate: (real) => {
      const latest = new Map<string, string>();
      return onRequests(real, ['attachSession'], (request) => {
        const { holderId, sessionId } = request;
        // Of a holder that the server does not know.
        if (latest.get(sessionId) !== holderId && request.mode === AttachMode.UNSPECIFIED) {
          if (latest.has(sessionId) && isHeld(request)) request.holderId = randomUUID();
        }
        latest.set(sessionId, holderId);
      });
    },
  },
  {
    fault: 'streams of events have no heartbeats',
    fails: ['BEAT-01'],
    mutate: (real) => ({
      ...real,
      async *watchProcess(request, context) {
        for await (const response of real.watchProcess(request, context)) {
          if (response.events.length > 0) yield response;
        }
      },
    }),
  },
  {
    fault: 'attached streams have no heartbeats',
    fails: ['BEAT-02'],
    mutate: (real) =>
      onSessionEvents(real, () => (event) => (event.event.case === 'heartbeat' ? [] : [event])),
  },
  {
    fault: 'heartbeats take a number, once there were three of them',
    fails: ['BEAT-03'],
    mutate: (real) => ({
      ...real,
      async *watchProcess(request, context) {
        let beats = 0;
        for await (const response of real.watchProcess(request, context)) {
          if (response.events.length === 0) beats += 1;
          for (const event of response.events) if (beats >= 3) event.seq += BigInt(beats);
          yield response;
        }
      },
    }),
  },
  {
    fault: 'a process is listed last if it was started first',
    fails: ['LIST-01', 'LIST-02'],
    mutate: (real) =>
      onResponses(real, ['listProcesses'], ({ processes }) => {
        processes.reverse();
      }),
  },
  {
    fault: 'a page begins with the last entry of the one before',
    fails: ['LIST-02'],
    mutate: (real) => {
      let last: Awaited<ReturnType<Services['listProcesses']>>['processes'] = [];
      const lasts = new Map<string, typeof last>();
      return onResponses(real, ['listProcesses'], (response, { pageToken, sessionId }) => {
        last = lasts.get(sessionId) ?? [];
        if (pageToken !== '') response.processes.unshift(...last);
        lasts.set(sessionId, response.processes.slice(-1));
      });
    },
  },
  {
    fault: 'a negative page size is one of nothing in particular',
    fails: ['ERROR-01', 'LIST-03'],
    mutate: (real) =>
      onRequests(real, ['listProcesses', 'listSessions'], (request) => {
        request.pageSize = Math.max(0, request.pageSize);
      }),
  },
  {
    fault: 'sessions of a page are listed newest first',
    fails: ['LIST-04'],
    mutate: (real) =>
      onResponses(real, ['listSessions'], ({ sessions }) => {
        sessions.reverse();
      }),
  },
];
