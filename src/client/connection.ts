import { type ChannelCredentials, type ChannelOptions, Client, credentials } from '@grpc/grpc-js';
import { type Address, formatAddress, isLoopback } from '../address.ts';
import { createClient } from '../bridge/create-client.ts';
import type { ServiceClient } from '../bridge/types.ts';
import { FileService } from '../gen/runlet/v1/file_pb.ts';
import { HttpService } from '../gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../gen/runlet/v1/process_pb.ts';
import { ServerService } from '../gen/runlet/v1/server_pb.ts';
import { SessionService } from '../gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../gen/runlet/v1/tunnel_pb.ts';
import { withoutAddressAsName } from './address-as-name.ts';
import { withIdleSockets } from './idle-sockets.ts';
import { type ClientSettings, clientSettings } from './options.ts';
import { withoutStuckSockets } from './stuck-sockets.ts';
import { traceCalls } from './tracing.ts';
import { watchConnecting } from './watch-connecting.ts';

/** The services of a server, over one connection. */
export interface Connection {
  readonly sessions: ServiceClient<typeof SessionService>;
  readonly processes: ServiceClient<typeof ProcessService>;
  readonly files: ServiceClient<typeof FileService>;
  readonly server: ServiceClient<typeof ServerService>;
  readonly http: ServiceClient<typeof HttpService>;
  readonly tunnels: ServiceClient<typeof TunnelService>;
  close(): void;
}

/** Opens a connection to a server; it is made with the first call. Close it in the end. */
export function openConnection(
  address: Address,
  settings: ClientSettings = clientSettings({}),
): Client {
  return makeClient(address, settings, credentialsOf(settings));
}

function credentialsOf(settings: ClientSettings): ChannelCredentials {
  return settings.credentials === undefined
    ? credentials.createInsecure()
    : withoutStuckSockets(withoutAddressAsName(settings.credentials));
}

function makeClient(address: Address, settings: ClientSettings, given: ChannelCredentials): Client {
  const options: ChannelOptions = {
    'grpc-node.flow_control_window': settings.flowControlWindowBytes,
    'grpc.max_receive_message_length': -1,
    'grpc.enable_channelz': 0,
    // Two servers must not share a connection pool only because a port was used again.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.keepalive_time_ms': settings.keepaliveMs,
    // No proxy of the environment leads to what is on this machine.
    'grpc.enable_http_proxy': isLoopback(address) ? 0 : 1,
    'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
    ...(settings.serverName === undefined ? {} : namedServer(settings.serverName)),
    ...settings.channelOptions,
  };
  const server = formatAddress(address);
  const { tracing } = settings;
  const traced = tracing === undefined ? {} : { interceptors: [traceCalls(tracing, server)] };
  return new Client(server, given, { ...options, ...traced });
}

/** Has a server be called, and its certificate be for, another name than its address has. */
function namedServer(name: string): ChannelOptions {
  return { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name };
}

/**
 * The services of a server over a connection, which keeps no program from ending. `stuck` is called
 * where it takes longer to make than an attempt may; default: whoever calls has a bound.
 */
export function openServices(
  address: Address,
  settings: ClientSettings,
  stuck?: () => void,
): Connection {
  const client = makeClient(address, settings, withIdleSockets(credentialsOf(settings)));
  if (stuck !== undefined) {
    const bound = { clock: settings.clock, ms: settings.attemptTimeoutMs };
    watchConnecting(client.getChannel(), bound, stuck);
  }
  return {
    sessions: createClient(SessionService, client),
    processes: createClient(ProcessService, client),
    files: createClient(FileService, client),
    server: createClient(ServerService, client),
    http: createClient(HttpService, client),
    tunnels: createClient(TunnelService, client),
    close: () => client.close(),
  };
}
