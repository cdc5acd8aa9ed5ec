import type { DescService } from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import { createClient } from '../bridge/create-client.ts';
import type { CallOptions, ServiceClient } from '../bridge/types.ts';
import type { RequestMetadata } from '../client/options.ts';
import { FileService } from '../gen/runlet/v1/file_pb.ts';
import { HttpService } from '../gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../gen/runlet/v1/process_pb.ts';
import { ServerService } from '../gen/runlet/v1/server_pb.ts';
import { SessionService } from '../gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../gen/runlet/v1/tunnel_pb.ts';

/** The clients of a server, over one connection. */
export interface Clients {
  readonly connection: Client;
  readonly sessions: ServiceClient<typeof SessionService>;
  readonly processes: ServiceClient<typeof ProcessService>;
  readonly files: ServiceClient<typeof FileService>;
  readonly http: ServiceClient<typeof HttpService>;
  readonly tunnels: ServiceClient<typeof TunnelService>;
  readonly server: ServiceClient<typeof ServerService>;
}

/** The request header that repeats the session's id. */
const SESSION_HEADER = 'runlet-session-id';

type AnyMethod = (request: unknown, options?: CallOptions) => unknown;

/**
 * Makes clients whose calls are cancelled by `signal`, have `metadata`, and repeat the session's
 * id in the header as the contract asks of every client. The options of a call come before them.
 */
export function createClients(
  connection: Client,
  signal?: AbortSignal,
  metadata: RequestMetadata = {},
): Clients {
  const clientOf = <S extends DescService>(service: S): ServiceClient<S> =>
    withDefaults(service, createClient(service, connection), signal, metadata);
  return {
    connection,
    sessions: clientOf(SessionService),
    processes: clientOf(ProcessService),
    files: clientOf(FileService),
    http: clientOf(HttpService),
    tunnels: clientOf(TunnelService),
    server: clientOf(ServerService),
  };
}

function withDefaults<S extends DescService>(
  service: S,
  client: ServiceClient<S>,
  signal: AbortSignal | undefined,
  metadata: RequestMetadata,
): ServiceClient<S> {
  const methods = client as Readonly<Record<string, AnyMethod>>;
  const result: Record<string, AnyMethod> = {};
  for (const { localName } of service.methods) {
    result[localName] = (request, options) => {
      const sessionId = (request as { readonly sessionId?: unknown }).sessionId;
      const named = typeof sessionId === 'string' && sessionId !== '';
      const answer = methods[localName]?.(request, {
        ...(signal && { signal }),
        ...options,
        metadata: {
          ...metadata,
          ...(named && { [SESSION_HEADER]: sessionId }),
          ...options?.metadata,
        },
      });
      return answer instanceof Promise ? handled(answer) : answer;
    };
  }
  return result as ServiceClient<S>;
}

/**
 * The same promise, whose failure is nobody's fault where nobody waits for it any more: a
 * check that fails leaves calls behind, which are cancelled.
 */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
