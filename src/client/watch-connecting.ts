import { type Client, connectivityState } from '@grpc/grpc-js';
import type { Clock, Timer } from '../clock.ts';

const { CONNECTING, SHUTDOWN } = connectivityState;

/** How the making of connections is bounded. */
export interface ConnectBound {
  readonly clock: Clock;
  /** How long a channel may be connecting, in milliseconds. */
  readonly ms: number;
}

/**
 * Calls back when a channel does not come to have a connection, and does not fail either. grpc-js
 * waits without a bound for an answer to a SYN, and for the first frame of HTTP/2; it looks after
 * connections that stand alone, and a stream on such a channel has no deadline.
 */
export function watchConnecting(
  channel: ReturnType<Client['getChannel']>,
  { clock, ms }: ConnectBound,
  stuck: () => void,
): void {
  let timer: Timer | undefined;
  const look = (): void => {
    timer?.cancel();
    const state = channel.getConnectivityState(false);
    if (state === SHUTDOWN) return;
    timer = state === CONNECTING ? clock.setTimer(ms, stuck) : undefined;
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, look);
  };
  look();
}
