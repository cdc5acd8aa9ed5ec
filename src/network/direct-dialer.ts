import type { Clock } from '../clock.ts';
import { assertAllowed, type CheckedAddresses, codeOf, dialFailure } from './checked-addresses.ts';
import { type Connected, type ConnectTo, connectFirst } from './connect-first.ts';
import type { DialTarget } from './dial-target.ts';
import type { Dialer, DialOptions } from './dialer.ts';
import type { OwnListeners } from './own-listeners.ts';

/** What a dialer works with. */
export interface DirectDialerOptions {
  /** What finds where a connection may go. */
  readonly find: CheckedAddresses;
  /** Where the server listens, which no connection leads to. */
  readonly own: OwnListeners;
  readonly clock: Clock;
  /** Default: as the system does. */
  readonly connect?: ConnectTo;
}

/** The longest that a timer of Node.js waits. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What connects from the server's own network. */
export function directDialer(options: DirectDialerOptions): Dialer {
  return {
    async dial(target, asked) {
      const { signal, timeoutMs } = asked;
      signal.throwIfAborted();
      // One signal, and not `AbortSignal.any`, of which the longer-lived of its sources keeps some.
      const ends = new AbortController();
      const giveUp = (): void => ends.abort(signal.reason);
      const timer = options.clock.setTimer(Math.min(timeoutMs, MAX_TIMER_MS), () =>
        ends.abort(dialFailure(target, 'TIMEOUT', 'ETIMEDOUT', 'it took too long to connect to')),
      );
      signal.addEventListener('abort', giveUp, { once: true });
      try {
        const dialed = await dial(target, { ...asked, signal: ends.signal }, options);
        if (ends.signal.aborted) dialed.socket.resetAndDestroy();
        return dialed;
      } finally {
        timer.cancel();
        signal.removeEventListener('abort', giveUp);
        // Whatever else came of it.
        ends.signal.throwIfAborted();
      }
    },
  };
}

async function dial(
  target: DialTarget,
  asked: DialOptions,
  { clock, connect, find, own }: DirectDialerOptions,
): Promise<Connected> {
  const { signal } = asked;
  const { port } = target;
  const addresses = await find(target, asked);
  const options = connect === undefined ? { clock, signal } : { clock, signal, connect };
  const connected = await connectFirst(addresses, port, options).catch((error: unknown) => {
    signal.throwIfAborted();
    throw dialFailure(target, 'CONNECT', codeOf(error), 'could not connect to');
  });
  const { socket } = connected;
  // An address that this machine has by a route alone is told by the way that was taken.
  if (own.hasPort(port) && socket.localAddress === socket.remoteAddress) {
    socket.resetAndDestroy();
    assertAllowed(target, 'the server listens there');
  }
  return connected;
}
