import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { SessionCalls } from '../session-calls.ts';
import { connectTunnel } from './connect-tunnel.ts';
import { checkTunnelOptions, type TunnelOptions } from './network-options.ts';
import { tlsOver } from './session-tls.ts';

/** How a connector connects. */
export interface SessionConnectorOptions
  extends Pick<TunnelOptions, 'connectTimeoutMs' | 'processId'> {
  /** How TLS is agreed on, between this program and where it leads. Default: as Node.js does. */
  readonly tls?: ConnectionOptions;
  /** Whether HTTP/2 is offered; the dispatcher has to be told, too. Default: false. */
  readonly allowH2?: boolean;
}

/** Where a dispatcher of undici wants a connection to. */
export interface ConnectorTarget {
  readonly hostname: string;
  /** `http:` or `https:`. */
  readonly protocol: string;
  /** Empty: that of the protocol. */
  readonly port: string;
  readonly servername?: string | undefined;
}

/** What `new Agent({ connect })` of undici takes. */
export type SessionConnector = (
  target: ConnectorTarget,
  callback: (...made: [error: null, socket: Socket] | [error: Error, socket: null]) => void,
) => void;

/** Makes connections for undici through the server. @internal */
export function sessionConnector(
  calls: SessionCalls,
  { allowH2 = false, tls = {}, ...own }: SessionConnectorOptions,
): SessionConnector {
  checkTunnelOptions(own);
  const open = async (target: ConnectorTarget): Promise<Duplex> => {
    const isSecure = target.protocol === 'https:';
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
    const port = Number(target.port || (isSecure ? 443 : 80));
    const socket = await connectTunnel(calls, { host, port }, own);
    if (!isSecure) return socket;
    const { servername } = target;
    const ALPNProtocols = allowH2 ? ['h2', 'http/1.1'] : ['http/1.1'];
    return secured(
      tlsOver(socket, host, { ALPNProtocols, ...tls, ...(servername && { servername }) }),
    );
  };
  return (target, callback) => {
    open(target).then(
      // What undici asks of a socket every stream in both directions has.
      (socket) => callback(null, socket as Socket),
      (error: Error) => callback(error, null),
    );
  };
}

/** A connection as soon as both sides have agreed on TLS. */
function secured(socket: TLSSocket): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(error);
    socket.once('error', fail);
    socket.once('close', () => reject(new Error('the connection was closed')));
    socket.once('secureConnect', () => {
      socket.removeListener('error', fail);
      resolve(socket);
    });
  });
}

/** A class of undici, of whatever version, that takes a connector: `Agent`. */
export type DispatcherClass<D> = new (options: {
  readonly connect: SessionConnector;
  readonly allowH2: boolean;
}) => D;

/** A dispatcher of undici that connects through the server. @internal */
export function sessionDispatcher<D>(
  calls: SessionCalls,
  Dispatcher: DispatcherClass<D>,
  options: SessionConnectorOptions,
): D {
  const { allowH2 = false } = options;
  return new Dispatcher({ connect: sessionConnector(calls, options), allowH2 });
}
