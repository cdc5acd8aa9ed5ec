import { request } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { Clock } from '../../clock.ts';
import { MAX_PROXIED_ADDRESSES, MAX_PROXY_HEADER_BYTES } from '../../limits.ts';
import { type CheckedAddresses, codeOf, dialFailure } from '../checked-addresses.ts';
import { connectFirst } from '../connect-first.ts';
import { type DialTarget, targetText } from '../dial-target.ts';
import type { Dialed, DialOptions } from '../dialer.ts';
import { parseIp } from '../ip-address.ts';
import type { Resolver } from '../resolver.ts';
import type { DialThroughProxy, ProxyTarget } from './connector.ts';
import { targetOf } from './http-failure.ts';

/** What {@link proxyDialer} needs. */
export interface ProxyDialerOptions {
  /** What finds where a connection may go. */
  readonly find: CheckedAddresses;
  /** What looks up the names of proxies. */
  readonly resolver: Pick<Resolver, 'resolve'>;
  readonly clock: Clock;
  /** Whom to trust of proxies that are reached over TLS. Default: those whom Node.js trusts. */
  readonly secureContext?: (() => SecureContext | undefined) | undefined;
}

/** Answers that may be others for another address: it could not connect to this one. */
const TRY_NEXT = new Set([500, 502, 503, 504]);

/**
 * Makes connections through proxies, by `CONNECT` (RFC 9110, section 9.3.6) to an address that
 * the egress policy has allowed, and never to a name: where it leads is not the proxy's to say.
 * The proxy itself is the operator's, and not under that policy.
 */
export function proxyDialer(options: ProxyDialerOptions): DialThroughProxy {
  return async (proxy, target, asked) => {
    const { signal, timeoutMs } = asked;
    signal.throwIfAborted();
    const ends = new AbortController();
    const giveUp = (): void => ends.abort(signal.reason);
    const timer = options.clock.setTimer(timeoutMs, () =>
      ends.abort(dialFailure(target, 'TIMEOUT', 'ETIMEDOUT', 'it took too long to connect to')),
    );
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      const dialed = await dial(proxy, target, { ...asked, signal: ends.signal }, options);
      if (ends.signal.aborted) dialed.socket.destroy();
      return dialed;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', giveUp);
      // Whatever else came of it.
      ends.signal.throwIfAborted();
    }
  };
}

async function dial(
  proxy: ProxyTarget,
  target: DialTarget,
  asked: DialOptions,
  options: ProxyDialerOptions,
): Promise<Dialed> {
  const addresses = await options.find(target, asked);
  const tried = addresses.slice(0, MAX_PROXIED_ADDRESSES);
  for (const [at, address] of tried.entries()) {
    const socket = await reachProxy(proxy, target, asked, options);
    const status = await askFor(socket, { ...target, host: address }, proxy, asked, target);
    if (status >= 200 && status < 300) return { socket, address };
    socket.destroy();
    if (at + 1 < tried.length && TRY_NEXT.has(status)) continue;
    throw dialFailure(target, 'CONNECT', 'PROXY', `the proxy answered ${status} to`);
  }
  throw dialFailure(target, 'CONNECT', 'PROXY', 'the proxy could not connect to');
}

/** A connection to the proxy, over TLS where its URL says so. */
async function reachProxy(
  { url }: ProxyTarget,
  target: DialTarget,
  { asker, signal }: DialOptions,
  { clock, resolver, secureContext }: ProxyDialerOptions,
): Promise<Socket> {
  const { host, port } = targetOf(url);
  const told = (error: unknown): never => {
    signal.throwIfAborted();
    throw dialFailure(target, 'CONNECT', codeOf(error), 'the proxy could not be reached for');
  };
  const addresses =
    parseIp(host) === undefined ? await resolver.resolve(host, asker, signal).catch(told) : [host];
  const { socket } = await connectFirst(addresses, port, { clock, signal }).catch(told);
  if (url.protocol === 'http:') return socket;
  return overTls(socket, host, signal, secureContext?.()).catch(told);
}

function overTls(
  socket: Socket,
  host: string,
  signal: AbortSignal,
  secureContext: SecureContext | undefined,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secured = connectTls({
      socket,
      host,
      servername: isIP(host) === 0 ? host : '',
      // Whatever the environment of this process says.
      rejectUnauthorized: true,
      ...(secureContext && { secureContext }),
    });
    const settle = (): void => {
      signal.removeEventListener('abort', giveUp);
      secured.off('error', fail).off('close', closed);
      // One that breaks before somebody listens for it says so when it is read.
      secured.on('error', () => {});
    };
    const fail = (error: unknown): void => {
      settle();
      secured.destroy();
      socket.destroy();
      reject(error);
    };
    const giveUp = (): void => fail(signal.reason);
    const closed = (): void => fail(gone());
    secured.on('error', fail).on('close', closed);
    signal.addEventListener('abort', giveUp);
    secured.once('secureConnect', () => {
      settle();
      resolve(secured.pause());
    });
  });
}

/** Asks a proxy to connect to an address; returns the status of its answer. */
function askFor(
  socket: Socket,
  at: DialTarget,
  { authorization }: ProxyTarget,
  { signal }: DialOptions,
  target: DialTarget,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const authority = targetText(at);
    const asked = request({
      method: 'CONNECT',
      path: authority,
      headers: {
        host: authority,
        ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
      },
      createConnection: () => socket,
      maxHeaderSize: MAX_PROXY_HEADER_BYTES,
      insecureHTTPParser: false,
    });
    let settled = false;
    const fail = (error: unknown): void => {
      // A request that has its answer is closed too.
      if (settled) return;
      settled = true;
      signal.removeEventListener('abort', giveUp);
      asked.destroy();
      socket.destroy();
      reject(error);
    };
    const giveUp = (): void => fail(signal.reason);
    const broken = (error: unknown): void =>
      fail(dialFailure(target, 'CONNECT', codeOf(error), 'the proxy did not answer for'));
    signal.addEventListener('abort', giveUp);
    asked.on('error', (error) => broken(error));
    asked.once('close', () => broken(gone()));
    // It answers so, and not as to other requests.
    asked.once('connect', (answer, _socket, rest) => {
      signal.removeEventListener('abort', giveUp);
      socket.pause();
      // Nobody speaks before the client does: it would be taken for what the target says.
      if (rest.length > 0) {
        broken(gone());
        return;
      }
      settled = true;
      resolve(answer.statusCode ?? 0);
    });
    asked.end();
    socket.resume();
  });
}

/** What a connection that ended is. */
function gone(): Error {
  return Object.assign(new Error('the connection ended'), { code: 'ECONNRESET' });
}
