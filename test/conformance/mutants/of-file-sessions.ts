import { RunletError } from '../../../src/errors.ts';
import { onRequests } from './hooks.ts';
import { onWriteOpens, retold } from './hooks-of-files.ts';
import type { Mutant } from './mutant.ts';

/** Files of a session, and of its attachments. */
export const ofFileSessions: readonly Mutant[] = [
  {
    fault: 'a file in a session that there is not is not found',
    fails: ['FSESSION-01'],
    mutate: (real) => retold(real, ['statFile'], 'SESSION_NOT_FOUND', 'FILE_NOT_FOUND'),
  },
  {
    fault: 'a watch whose session was closed is told that there is none',
    fails: ['FSESSION-02'],
    mutate: (real) => retold(real, ['watchDirectory'], 'SESSION_CLOSED', 'SESSION_NOT_FOUND'),
  },
  {
    fault: 'a watch of an attachment that is superseded fails as something else',
    fails: ['FSESSION-03', 'FSESSION-05'],
    mutate: (real) => retold(real, ['watchDirectory'], 'ATTACHMENT_SUPERSEDED', 'SESSION_CLOSED'),
  },
  {
    fault: 'what is written is fenced by nothing',
    fails: ['FSESSION-04', 'FSESSION-05'],
    mutate: (real) =>
      onWriteOpens(real, (open) => {
        open.attachmentId = '';
      }),
  },
  {
    fault: 'what is removed is fenced by nothing',
    fails: ['FSESSION-05'],
    mutate: (real) =>
      onRequests(real, ['removeFile'], (request) => {
        request.attachmentId = '';
      }),
  },
  {
    fault: 'a take-over ends streams that carry no attachment',
    fails: ['FSESSION-06'],
    mutate: (real) => {
      const endings = new Map<string, () => void>();
      return {
        ...real,
        attachSession(request, context) {
          endings.get(request.sessionId)?.();
          return real.attachSession(request, context);
        },
        async *watchDirectory(request, context) {
          const ended = new Promise<'ended'>((resolve) => {
            endings.set(request.sessionId, () => resolve('ended'));
          });
          const messages = real.watchDirectory(request, context)[Symbol.asyncIterator]();
          for (;;) {
            const next = await Promise.race([messages.next(), ended]);
            if (next === 'ended') throw new RunletError('ATTACHMENT_SUPERSEDED');
            if (next.done === true) return;
            yield next.value;
          }
        },
      };
    },
  },
];
