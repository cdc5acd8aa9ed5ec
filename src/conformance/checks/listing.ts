import { timestampMs } from '@bufbuild/protobuf/wkt';
import { ensure, ensureAllFail, ensureEqual } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckContext } from '../context.ts';

/** Starts five processes, whose ids say nothing of their order. */
async function startFive(context: CheckContext): Promise<string[]> {
  const ids = ['e', 'b', 'd', 'a', 'c'].map((letter) => `${letter}-${context.sessionId}`);
  for (const processId of ids) await context.startShell('true', {}, { processId });
  return ids;
}

/** More pages than there are. */
const MANY_PAGES = 1000;

/** Lists, and their pages. */
export const listing: readonly Check[] = [
  {
    id: 'LIST-01',
    title:
      'The processes of a session are listed in the order of their starts, those that ended too',
    clause: 'ProcessService.ListProcesses',
    async run(context) {
      const ids = await startFive(context);
      const { sessionId } = context;
      await context.processes.waitProcess({ sessionId, processId: ids[0] ?? '' });
      const { nextPageToken, processes } = await context.processes.listProcesses({ sessionId });
      ensureEqual(
        processes.map(({ processId }) => processId),
        ids,
        'the ids',
      );
      ensureEqual(nextPageToken, '', 'next_page_token of the only page');
    },
  },
  {
    id: 'LIST-02',
    title: 'Pages have as many entries as asked for, and all together each process once',
    clause: 'ListProcessesRequest.page_token',
    async run(context) {
      const ids = await startFive(context);
      const pages: string[][] = [];
      let pageToken = '';
      do {
        const request = { sessionId: context.sessionId, pageSize: 2, pageToken };
        const page = await context.processes.listProcesses(request);
        pages.push(page.processes.map(({ processId }) => processId));
        pageToken = page.nextPageToken;
      } while (pageToken !== '' && pages.length < ids.length);
      const [e, b, d, a, c] = ids;
      ensureEqual(pages, [[e, b], [d, a], [c]], 'the pages');
    },
  },
  {
    id: 'LIST-03',
    title: 'A negative page size and a token of nobody are refused',
    clause: 'ListProcessesRequest.page_size',
    async run({ processes, sessionId, sessions }) {
      const calls = {
        'ListProcesses, page_size -1': processes.listProcesses({ sessionId, pageSize: -1 }),
        'ListProcesses, a token': processes.listProcesses({ sessionId, pageToken: '!?' }),
        'ListSessions, page_size -1': sessions.listSessions({ pageSize: -1 }),
        'ListSessions, a token': sessions.listSessions({ pageToken: '!?' }),
      };
      await ensureAllFail(calls, 'INVALID_ARGUMENT/INVALID_REQUEST');
    },
  },
  {
    id: 'LIST-04',
    title: 'Sessions are listed oldest first, page after page, each once',
    clause: 'SessionService.ListSessions',
    async run(context) {
      const mine = [context.sessionId];
      for (let i = 0; i < 3; i++) mine.push(await context.createSession());
      const seen: string[] = [];
      let pageToken = '';
      for (let i = 0; i < MANY_PAGES; i++) {
        const page = await context.sessions.listSessions({ pageSize: 7, pageToken });
        ensure(page.sessions.length <= 7, `a page of 7 has ${page.sessions.length}`);
        seen.push(...page.sessions.map(({ sessionId }) => sessionId));
        pageToken = page.nextPageToken;
        if (pageToken === '') break;
      }
      ensureEqual(
        seen.filter((id) => mine.includes(id)),
        mine,
        "the check's own sessions, in pages of 7",
      );
      const whole = await context.sessions.listSessions({ pageSize: 1000 });
      const times = whole.sessions.map(({ createTime }) =>
        createTime ? timestampMs(createTime) : 0,
      );
      ensureEqual(
        times,
        times.toSorted((one, other) => one - other),
        'when the sessions of a large page were created',
      );
    },
  },
];
