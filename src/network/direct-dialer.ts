import type { Clock } from '../clock.ts';
import { type Connected, type ConnectTo, connectFirst } from './connect-first.ts';
import { DialError, type DialStage } from './dial-error.ts';
import { type DialTarget, targetText } from './dial-target.ts';
import type { Dialer, DialOptions } from './dialer.ts';
import type { Egress } from './egress/egress.ts';
import { reachedAddress } from './egress/reached-address.ts';
import { canonicalHost } from './host-name.ts';
import { parseIp } from './ip-address.ts';
import type { OwnListeners } from './own-listeners.ts';
import type { Resolver } from './resolver.ts';

/** What a dialer works with. */
export interface DirectDialerOptions {
  readonly egress: Egress;
  readonly resolver: Resolver;
  /** Where the server listens, which no connection leads to. Nothing is dialed before that is known. */
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
        ends.abort(failure(target, 'TIMEOUT', 'ETIMEDOUT', 'it took too long to connect to')),
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
  { asker, signal }: DialOptions,
  { clock, connect, egress, own, resolver }: DirectDialerOptions,
): Promise<Connected> {
  await own.whenKnown(signal);
  signal.throwIfAborted();
  const { port } = target;
  const host = canonicalHost(target.host);
  if (host === undefined) throw failure(target, 'RESOLVE', 'ENOTFOUND', 'this is no name:');
  assertAllowed(target, egress.deniesName({ host, port }));
  const addresses = await addressesOf(target, host, () => resolver.resolve(host, asker, signal));
  // Of all before the first is connected to: nobody finds out by a name with several which of
  // them may be reached.
  for (const address of addresses) assertAllowed(target, egress.denies({ host, port }, address));
  const reached = [...new Set(addresses.map(reachedAddress))];
  const options = connect === undefined ? { clock, signal } : { clock, signal, connect };
  const connected = await connectFirst(reached, port, options).catch((error: unknown) => {
    signal.throwIfAborted();
    throw failure(target, 'CONNECT', codeOf(error), 'could not connect to');
  });
  const { socket } = connected;
  // Addresses of this machine that it has by a route alone are told by the way that was taken.
  if (own.hasPort(port) && socket.localAddress === socket.remoteAddress) {
    socket.resetAndDestroy();
    assertAllowed(target, 'the server listens there');
  }
  return connected;
}

async function addressesOf(
  target: DialTarget,
  host: string,
  resolve: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  if (parseIp(host) !== undefined) return [host];
  try {
    const found = await resolve();
    if (found.length > 0) return found;
  } catch (error) {
    if (!isOfLookup(error)) throw error;
    throw failure(target, 'RESOLVE', codeOf(error), 'could not find');
  }
  throw failure(target, 'RESOLVE', 'ENOTFOUND', 'could not find');
}

/** An error of getaddrinfo(3), as Node.js tells it. */
function isOfLookup(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function assertAllowed(target: DialTarget, rule: string | undefined): void {
  if (rule === undefined) return;
  const text = targetText(target);
  const message = `${text} may not be reached`;
  throw new DialError({ stage: 'DENIED', errnoName: '', message, target: text, rule });
}

function failure(
  target: DialTarget,
  stage: DialStage,
  errnoName: string,
  problem: string,
): DialError {
  const text = targetText(target);
  return new DialError({ stage, errnoName, message: `${problem} ${text}`, target: text, rule: '' });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
