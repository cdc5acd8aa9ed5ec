import type { SessionService } from '../../gen/runlet/v1/session_pb.ts';
import type { SessionRegistry } from '../../session/session-registry.ts';
import type { ServiceImpl } from '../bridge/types.ts';
import { sessionMessage } from '../messages.ts';
import {
  formatPageToken,
  parseLabels,
  parsePageSize,
  parsePageToken,
  parseUuid,
} from '../requests/fields.ts';
import { takePage } from '../requests/page.ts';

/** `SessionService`, over a registry. */
export function sessionService(sessions: SessionRegistry): ServiceImpl<typeof SessionService> {
  return {
    createSession({ labels, sessionId }, context) {
      const id = sessionId === '' ? undefined : parseUuid('session_id', sessionId);
      const session = sessions.create(id, parseLabels('labels', labels));
      context.annotate({ sessionId: session.id });
      return { session: sessionMessage(session) };
    },

    getSession(request, context) {
      const id = parseUuid('session_id', request.sessionId);
      context.annotate({ sessionId: id });
      return { session: sessionMessage(sessions.get(id)) };
    },

    listSessions({ pageSize, pageToken }) {
      const maximum = parsePageSize('page_size', pageSize);
      const after = parsePageToken('page_token', pageToken);
      const page = takePage(sessions.list(after), maximum, () => 0);
      const last = page.items.at(-1);
      return {
        sessions: page.items.map(sessionMessage),
        nextPageToken: page.more && last !== undefined ? formatPageToken(last.ordinal) : '',
      };
    },

    async closeSession(request, context) {
      const id = parseUuid('session_id', request.sessionId);
      context.annotate({ sessionId: id });
      context.sendHeaders();
      await sessions.close(id);
      return {};
    },
  };
}
