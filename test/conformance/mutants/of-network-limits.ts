import { create } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import type { CallContext } from '../../../src/bridge/call-context.ts';
import { type ConnectRequest, ConnectRequestSchema } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { onResponses } from './hooks.ts';
import { onHeads, onOpens } from './hooks-of-network.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

/** Milliseconds after which a connection is taken away that waits: far less than it may wait. */
const EARLY_MS = 3_000;

/** How long connections may take to be made, and how many there may be. */
export const ofNetworkLimits: readonly Mutant[] = [
  {
    fault: 'how long a connection may take does not matter',
    fails: ['TUNNEL-50'],
    mutate: (real) =>
      onOpens(real, (open) => {
        if (isShort(open.connectTimeout)) open.connectTimeout = undefined;
      }),
  },
  {
    fault: 'a connection of a listener does not wait as long as it may',
    fails: ['TUNNEL-51'],
    perhaps: ['TUNNEL-52'],
    mutate: (real) =>
      onArrivals(real, (takeAway) => {
        setTimeout(takeAway, EARLY_MS);
      }),
  },
  {
    fault: 'a session has more connections than is told',
    fails: ['TUNNEL-52'],
    mutate: (real) =>
      onResponses(real, ['getServerInfo'], ({ limits }) => {
        if (limits !== undefined) limits.maxSessionTunnels -= 1;
      }),
  },
  {
    fault: 'how long a request may take to have a connection does not matter',
    fails: ['HTTP-70'],
    mutate: (real) =>
      onHeads(real, (head) => {
        if (isShort(head.connectTimeout)) head.connectTimeout = undefined;
      }),
  },
  {
    fault: 'a session has more requests under way than is told',
    fails: ['HTTP-87'],
    mutate: (real) =>
      onResponses(real, ['getServerInfo'], ({ limits }) => {
        if (limits !== undefined) limits.maxSessionHttpRequests -= 1;
      }),
  },
];

/** Whether a time is one that may be given, and less than that which is taken where none is. */
function isShort(time: Duration | undefined): boolean {
  return time !== undefined && time.seconds >= 0n && time.seconds < 5n && time.nanos > 0;
}

/** Does something about each connection that comes to a listener, which can be taken away. */
function onArrivals(real: Services, arrived: (takeAway: () => void) => void): Services {
  return {
    ...real,
    async *listen(request, context) {
      for await (const message of real.listen(request, context)) {
        const { response } = message;
        if (response.case === 'connection') {
          const { connectionId } = response.value;
          const open = { sessionId: request.sessionId, connectionId };
          arrived(() => void reset(real, open, context));
        }
        yield message;
      }
    },
  };
}

/** Takes over a connection of a listener, unless that was done, and breaks it. */
async function reset(
  real: Services,
  open: { readonly sessionId: string; readonly connectionId: string },
  context: CallContext,
): Promise<void> {
  async function* requests(): AsyncGenerator<ConnectRequest> {
    yield create(ConnectRequestSchema, { request: { case: 'open', value: open } });
  }
  try {
    // Its requests end without `eof`.
    for await (const _ of real.connect(requests(), context));
  } catch {
    // So does the call; or it is gone already.
  }
}
