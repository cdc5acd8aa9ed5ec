import { WaitUntil } from '../../../gen/runlet/v1/process_pb.ts';
import { processMessage } from '../../messages.ts';
import { parseEnum, parsePageSize, parsePageToken } from '../../requests/fields.ts';
import { processPage } from '../../requests/process-page.ts';
import { enterSession } from '../enter-session.ts';
import { findProcess, type ProcessMethods, type ProcessServiceOptions } from './process-calls.ts';

const WAITS = {
  [WaitUntil.UNSPECIFIED]: 'closed',
  [WaitUntil.CLOSED]: 'closed',
  [WaitUntil.EXITED]: 'exited',
} as const;

/** `GetProcess`, `ListProcesses` and `WaitProcess`. */
export function getAndWait(
  options: ProcessServiceOptions,
): ProcessMethods<'getProcess' | 'listProcesses' | 'waitProcess'> {
  return {
    getProcess(request, context) {
      const { process, session } = findProcess(options, request, context);
      return { process: processMessage(session.id, process) };
    },

    listProcesses(request, context) {
      const maximum = parsePageSize('page_size', request.pageSize);
      const after = parsePageToken('page_token', request.pageToken);
      const session = enterSession(options.sessions, request, context);
      return processPage(session, after, maximum);
    },

    async waitProcess(request, context) {
      const until = parseEnum('until', request.until, WAITS);
      const { process, session } = findProcess(options, request, context);
      context.sendHeaders();
      await process[until].wait(context.signal);
      return { process: processMessage(session.id, process) };
    },
  };
}
