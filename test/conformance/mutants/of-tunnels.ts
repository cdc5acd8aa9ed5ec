import { create } from '@bufbuild/protobuf';
import { TunnelFailureSchema, TunnelStage } from '../../../src/gen/runlet/v1/error_pb.ts';
import {
  type ConnectRequest,
  ConnectRequestSchema,
  type ConnectResponse,
  TunnelEnd,
} from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { onFailures, onRequests, onResponses, onSessionEvents, withDetails } from './hooks.ts';
import { retold } from './hooks-of-files.ts';
import {
  kept,
  onConnectResponses,
  onConnects,
  onOpens,
  textOf,
  uncancelled,
} from './hooks-of-network.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

/** Changes what connections and listeners that fail say. */
function onTunnelFailures(
  real: Services,
  change: (failure: { stage: TunnelStage; errnoName: string; target: string }) => void,
): Services {
  return onFailures(real, (error) =>
    withDetails(error, TunnelFailureSchema, (failure) => {
      change(failure);
      return failure;
    }),
  );
}

const METHODS = ['connect', 'listen', 'listPorts'] as const;

/** Connections through the server's machine. */
export const ofTunnels: readonly Mutant[] = [
  {
    fault: 'the other side of a connection is not told',
    fails: ['TUNNEL-01', 'TUNNEL-21'],
    mutate: (real) =>
      onConnectResponses(real, (response) => {
        if (response.case === 'opened') response.value.peer = '';
      }),
  },
  {
    fault: 'large messages of a connection are changed',
    fails: ['TUNNEL-02'],
    also: ['HTTP-24'],
    mutate: (real) =>
      onRequests(real, ['connect'], ({ request }) => {
        if (request.case !== 'data' || request.value.length < 50_000) return;
        request.value[0] = (request.value[0] ?? 0) ^ 1;
      }),
  },
  {
    fault: 'nothing is heard any more after `eof` of the client',
    fails: ['TUNNEL-03'],
    mutate: (real) =>
      onConnects(real, ({ host }) => {
        if (host === '') return {};
        let isOver = false;
        return {
          request: (message) => {
            isOver ||= message.request.case === 'eof';
            return [message];
          },
          response: (message) => (isOver && message.response.case === 'data' ? [] : [message]),
        };
      }),
  },
  {
    fault: 'what is sent after `eof` of the other side is lost',
    fails: ['TUNNEL-04'],
    mutate: (real) =>
      onConnects(real, ({ host }) => {
        if (host === '') return {};
        let isOver = false;
        return {
          request: (message) => {
            const { case: kind } = message.request;
            // It ends at once, so that nobody waits for what does not come.
            if (isOver && kind === 'data') throw new Error('the connection is over');
            return [message];
          },
          response: (message) => {
            isOver ||= message.response.case === 'eof';
            return [message];
          },
        };
      }),
  },
  {
    fault: 'no bytes of connections are counted',
    fails: ['TUNNEL-05'],
    mutate: (real) =>
      onConnectResponses(real, (response) => {
        if (response.case !== 'end') return;
        response.value.sentBytes = 0n;
        response.value.receivedBytes = 0n;
      }),
  },
  {
    fault: 'a connection that was reset ends as one that is closed',
    fails: ['TUNNEL-06', 'TUNNEL-07', 'TUNNEL-08', 'TUNNEL-31', 'TUNNEL-32', 'TUNNEL-51'],
    mutate: (real) =>
      onConnectResponses(real, (response) => {
        if (response.case === 'end') response.value.kind = TunnelEnd.CLOSED;
      }),
  },
  {
    fault: 'the end of a stream of requests is `eof`',
    fails: ['TUNNEL-08'],
    mutate: (real) => ({
      ...real,
      connect: (requests, context) => real.connect(closing(requests), context),
    }),
  },
  {
    fault: 'connections fail at no stage',
    fails: ['TUNNEL-09', 'TUNNEL-10', 'TUNNEL-13', 'TUNNEL-26', 'TUNNEL-50'],
    mutate: (real) =>
      onTunnelFailures(real, (failure) => {
        failure.stage = TunnelStage.UNSPECIFIED;
      }),
  },
  {
    fault: 'connections fail with no error of the system',
    fails: ['TUNNEL-09', 'TUNNEL-14', 'TUNNEL-26'],
    mutate: (real) =>
      onTunnelFailures(real, (failure) => {
        failure.errnoName = '';
      }),
  },
  {
    fault: 'connections and listeners that make no sense are a fault of the server',
    fails: ['TUNNEL-11', 'TUNNEL-12', 'TUNNEL-14', 'TUNNEL-28'],
    mutate: (real) => retold(real, METHODS, 'INVALID_REQUEST'),
  },
  {
    fault: 'connections to what is denied fail as others do',
    fails: ['TUNNEL-13'],
    mutate: (real) => retold(real, METHODS, 'EGRESS_DENIED', 'TUNNEL_FAILED'),
  },
  {
    fault: 'the process in whose network something is reached does not matter',
    fails: ['TUNNEL-15'],
    mutate: (real) =>
      onOpens(real, (open) => {
        open.processId = '';
      }),
  },
  {
    fault: 'a listener tells a name instead of its address',
    fails: ['TUNNEL-01', 'TUNNEL-20'],
    perhaps: ['HTTP-40'],
    mutate: (real) =>
      onResponses(real, ['listen'], ({ response }) => {
        if (response.case === 'listening') response.value.host = 'localhost';
      }),
  },
  {
    fault: 'a listener does not tell who has connected',
    fails: ['TUNNEL-21'],
    mutate: (real) =>
      onResponses(real, ['listen'], ({ response }) => {
        if (response.case === 'connection') response.value.peer = '';
      }),
  },
  {
    fault: 'what was sent before a connection is taken over is lost',
    fails: ['TUNNEL-22'],
    mutate: (real) =>
      onConnects(real, ({ connectionId }) => {
        if (connectionId === '') return {};
        return { response: (message) => (isEarly(message) ? [] : [message]) };
      }),
  },
  {
    fault: 'a connection that is gone is told as a session that there is not',
    fails: ['TUNNEL-23', 'TUNNEL-24', 'TUNNEL-51'],
    mutate: (real) => retold(real, METHODS, 'CONNECTION_NOT_FOUND', 'SESSION_NOT_FOUND'),
  },
  {
    fault: 'a listener stays when its call has ended',
    fails: ['TUNNEL-25'],
    mutate: (real) => ({
      ...real,
      listen: (request, context) => kept(real.listen(request, uncancelled(context))),
    }),
  },
  {
    fault: 'anybody may listen anywhere',
    fails: ['TUNNEL-27'],
    mutate: (real) =>
      onRequests(real, ['listen'], (request) => {
        if (request.host.includes('0.0.0.0') || request.host === '::') request.host = '';
      }),
  },
  {
    fault: 'a session has more listeners than is told',
    fails: ['TUNNEL-29'],
    mutate: (real) =>
      onResponses(real, ['getServerInfo'], ({ limits }) => {
        if (limits !== undefined) limits.maxSessionListeners -= 1;
      }),
  },
  {
    fault: 'connections of a session that there is not are told as of one that is closed',
    fails: ['TUNNEL-30'],
    mutate: (real) => retold(real, METHODS, 'SESSION_NOT_FOUND', 'SESSION_CLOSED'),
  },
  {
    fault: 'connections of a session that is closed are told as of one that there is not',
    fails: ['TUNNEL-31'],
    mutate: (real) => retold(real, METHODS, 'SESSION_CLOSED', 'SESSION_NOT_FOUND'),
  },
  {
    fault: 'connections of an older attachment are told as of a session that is closed',
    fails: ['TUNNEL-32', 'TUNNEL-33'],
    mutate: (real) => retold(real, METHODS, 'ATTACHMENT_SUPERSEDED', 'SESSION_CLOSED'),
  },
  {
    fault: 'connections without an attachment are of the latest',
    fails: ['TUNNEL-34'],
    // What it is answered by is a connection, too.
    perhaps: ['HTTP-84'],
    mutate: (real) => {
      const latest = new Map<string, string>();
      return onOpens(withLatest(real, latest), (open) => {
        if (open.attachmentId === '') open.attachmentId = latest.get(open.sessionId) ?? '';
      });
    },
  },
  {
    fault: 'silent connections and listeners say nothing',
    fails: ['TUNNEL-35'],
    mutate: (real) => ({
      ...real,
      connect: (requests, context) => telling(real.connect(requests, context)),
      listen: (request, context) => telling(real.listen(request, context)),
    }),
  },
  {
    fault: 'ports are told as those of every address',
    fails: ['TUNNEL-40'],
    mutate: (real) =>
      onResponses(real, ['listPorts'], ({ ports }) => {
        for (const port of ports) port.host = '0.0.0.0';
      }),
  },
  {
    fault: 'the ports of one process are those of all',
    fails: ['TUNNEL-41'],
    mutate: (real) =>
      onRequests(real, ['listPorts'], (request) => {
        request.processId = '';
      }),
  },
];

/** Remembers the latest attachment of each session. */
export function withLatest(real: Services, latest: Map<string, string>): Services {
  return onSessionEvents(real, () => (event) => {
    const { event: body } = event;
    if (body.case === 'attached') {
      const { attachmentId, session } = body.value;
      latest.set(session?.sessionId ?? '', attachmentId);
    }
    return [event];
  });
}

/** The messages of a stream that say something. */
export async function* telling<T extends { readonly response: { case: string | undefined } }>(
  messages: AsyncIterable<T>,
): AsyncGenerator<T> {
  for await (const message of messages) if (message.response.case !== undefined) yield message;
}

function isEarly({ response }: ConnectResponse): boolean {
  return response.case === 'data' && textOf(response.value) === 'early';
}

/** The messages of a stream, and `eof` where it ends without. */
async function* closing(requests: AsyncIterable<ConnectRequest>): AsyncGenerator<ConnectRequest> {
  let last: string | undefined;
  for await (const message of requests) {
    last = message.request.case;
    yield message;
  }
  if (last === 'eof') return;
  yield create(ConnectRequestSchema, { request: { case: 'eof', value: {} } });
}
