import { isIP, type Socket } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import type { Clock } from '../../clock.ts';
import { DialError } from '../dial-error.ts';
import type { DialTarget } from '../dial-target.ts';
import type { Dialed, Dialer, DialOptions } from '../dialer.ts';
import { connectTimedOut, dialFailed, failureCode, httpFailed, targetOf } from './http-failure.ts';

/** A proxy of the operator's. */
export interface ProxyTarget {
  /** `http:` or `https:`. */
  readonly url: URL;
  /** The value of `proxy-authorization`. Default: none is sent. */
  readonly authorization?: string;
}

/** Makes a connection through a proxy, as {@link Dialer.dial} does. */
export type DialThroughProxy = (
  proxy: ProxyTarget,
  target: DialTarget,
  options: DialOptions,
) => Promise<Dialed>;

/** How connections for HTTP are made. */
export interface HttpConnectorOptions {
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** The proxy for a URL; undefined: there is none. Default: never. */
  readonly proxyFor?: ((url: URL) => ProxyTarget | undefined) | undefined;
  /** Needed where there may be a proxy. */
  readonly dialThroughProxy?: DialThroughProxy | undefined;
  /** Whom to trust. Default: those whom Node.js trusts. */
  readonly secureContext?: (() => SecureContext | undefined) | undefined;
}

/** A connection that stands, and what is spoken over it. */
export type Connected =
  | { readonly protocol: 'h1'; readonly socket: Socket }
  | { readonly protocol: 'h2'; readonly socket: TLSSocket };

/**
 * Makes a connection for requests to a URL.
 *
 * @throws RunletError `HTTP_FAILED` at `DNS`, `CONNECT`, `TLS` and `TIMEOUT`, `EGRESS_DENIED`; the
 *   signal's reason where that aborts
 */
export type HttpConnector = (url: URL, options: DialOptions) => Promise<Connected>;

/** What connects for HTTP, over TLS where the URL says so. */
export function httpConnector(options: HttpConnectorOptions): HttpConnector {
  const { clock } = options;
  return async (url, dialOptions) => {
    const start = clock.monotonic();
    const { socket } = await dial(options, url, dialOptions);
    if (url.protocol === 'http:') return { protocol: 'h1', socket };
    const rest = Math.max(1, dialOptions.timeoutMs - (clock.monotonic() - start));
    return secured(options, socket, url, { ...dialOptions, timeoutMs: rest });
  };
}

async function dial(
  { dialThroughProxy, dialer, proxyFor }: HttpConnectorOptions,
  url: URL,
  options: DialOptions,
): Promise<Dialed> {
  const proxy = proxyFor?.(url);
  const target = targetOf(url);
  try {
    if (proxy === undefined) return await dialer.dial(target, options);
    if (dialThroughProxy === undefined) throw new Error('nothing connects through a proxy');
    return await dialThroughProxy(proxy, target, options);
  } catch (error) {
    throw error instanceof DialError ? dialFailed(error, url) : error;
  }
}

/** Agrees on TLS, and on what is spoken over it. */
function secured(
  { clock, secureContext }: HttpConnectorOptions,
  socket: Socket,
  url: URL,
  { signal, timeoutMs }: DialOptions,
): Promise<Connected> {
  const trusted = secureContext?.();
  return new Promise((resolve, reject) => {
    const { host } = targetOf(url);
    const name = host.replace(/\.$/, '');
    const overTls = connect({
      socket,
      host: name,
      servername: isIP(name) === 0 ? name : '',
      ALPNProtocols: ['h2', 'http/1.1'],
      // Whatever the environment of this process says.
      rejectUnauthorized: true,
      ...(trusted && { secureContext: trusted }),
    });
    const timer = clock.setTimer(timeoutMs, () => fail(connectTimedOut(url)));
    const settle = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', giveUp);
      overTls.off('error', onError).off('close', onClose);
    };
    const fail = (error: unknown): void => {
      settle();
      overTls.on('error', () => {});
      overTls.destroy();
      socket.destroy();
      reject(error);
    };
    const giveUp = (): void => fail(signal.reason);
    const onError = (error: Error): void => fail(tlsFailed(error, url));
    const onClose = (): void => fail(httpFailed('TLS', 'CLOSED', 'TLS was not agreed on', url));
    overTls.on('error', onError).on('close', onClose);
    signal.addEventListener('abort', giveUp);
    overTls.once('secureConnect', () => {
      settle();
      const protocol = overTls.alpnProtocol === 'h2' ? 'h2' : 'h1';
      resolve({ protocol, socket: overTls });
    });
    if (signal.aborted) giveUp();
  });
}

function tlsFailed(error: Error, url: URL): Error {
  return httpFailed('TLS', failureCode(error), 'TLS was not agreed on', url, error);
}
