import { type AgentOptions, type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import {
  Agent as HttpsAgent,
  type AgentOptions as HttpsAgentOptions,
  type RequestOptions,
} from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { OptionError } from '../client-error.ts';
import type { SessionCalls } from '../session-calls.ts';
import { connectTunnel } from './connect-tunnel.ts';
import { checkTunnelOptions, type TunnelOptions } from './network-options.ts';
import type { RemoteSocket } from './remote-socket.ts';
import { tlsOver } from './session-tls.ts';

/** What an agent takes, and how its connections are made. */
export type SessionAgentOptions<O = AgentOptions> = O &
  Pick<TunnelOptions, 'connectTimeoutMs' | 'processId'>;

type Made = (error: Error | null, socket: Duplex) => void;

/** An agent of `node:http` whose connections lead through the server. @internal */
export function sessionHttpAgent(calls: SessionCalls, options: SessionAgentOptions): HttpAgent {
  const { own, rest } = split(options);
  return new (class extends HttpAgent {
    override createConnection(wanted: ClientRequestArgs, made?: Made): undefined {
      give(connectTo(calls, wanted, own), made);
    }
  })(rest);
}

/** The same of `node:https`. @internal */
export function sessionHttpsAgent(
  calls: SessionCalls,
  options: SessionAgentOptions<HttpsAgentOptions>,
): HttpsAgent {
  const { own, rest } = split(options);
  return new (class extends HttpsAgent {
    override createConnection(wanted: RequestOptions, made?: Made): undefined {
      const secured = connectTo(calls, wanted, own).then((socket) =>
        tlsOver(socket, hostOf(wanted), tlsOptions(wanted)),
      );
      give(secured, made);
    }
  })(rest);
}

/** What is said of TLS, without where it leads. */
function tlsOptions(wanted: RequestOptions): ConnectionOptions {
  const { host: _host, path: _path, port: _port, ...rest } = wanted;
  return { ...rest };
}

function split<O extends AgentOptions>(
  options: SessionAgentOptions<O>,
): { readonly own: TunnelOptions; readonly rest: AgentOptions } {
  const { connectTimeoutMs, processId, ...rest } = options;
  const own = {
    ...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
    ...(processId !== undefined && { processId }),
  };
  checkTunnelOptions(own);
  return { own, rest };
}

function connectTo(
  calls: SessionCalls,
  wanted: ClientRequestArgs,
  own: TunnelOptions,
): Promise<RemoteSocket> {
  const { port, socketPath } = wanted;
  return typeof socketPath === 'string'
    ? connectTunnel(calls, { path: socketPath }, own)
    : connectTunnel(calls, { host: hostOf(wanted), port: Number(port) }, own);
}

function hostOf({ host, hostname }: ClientRequestArgs): string {
  const name = host ?? hostname;
  if (typeof name !== 'string') throw new OptionError('host', 'host is required');
  // A URL has brackets around an IPv6 address.
  return name.replace(/^\[(.*)\]$/, '$1');
}

function give(socket: Promise<Duplex>, made: Made | undefined): void {
  socket.then(
    (given) => made?.(null, given),
    // Of one that failed there is no socket, which the types do not know.
    (error: Error) => (made as ((error: Error) => void) | undefined)?.(error),
  );
}
