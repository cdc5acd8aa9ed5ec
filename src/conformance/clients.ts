import type { DescService } from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import { createClient } from '../bridge/create-client.ts';
import type { CallOptions, ServiceClient } from '../bridge/types.ts';
import { ProcessService } from '../gen/runlet/v1/process_pb.ts';
import { ServerService } from '../gen/runlet/v1/server_pb.ts';
import { SessionService } from '../gen/runlet/v1/session_pb.ts';

/** The clients of a server, over one connection. */
export interface Clients {
  readonly connection: Client;
  readonly sessions: ServiceClient<typeof SessionService>;
  readonly processes: ServiceClient<typeof ProcessService>;
  readonly server: ServiceClient<typeof ServerService>;
}

/** The request header that repeats the session's id. */
const SESSION_HEADER = 'runlet-session-id';

type AnyMethod = (request: unknown, options?: CallOptions) => unknown;

/**
 * Makes clients whose calls are cancelled by `signal`, and which repeat the session's id in
 * the header as the contract asks of every client. The options of a call come before both.
 */
export function createClients(connection: Client, signal?: AbortSignal): Clients {
  return {
    connection,
    sessions: withDefaults(SessionService, createClient(SessionService, connection), signal),
    processes: withDefaults(ProcessService, createClient(ProcessService, connection), signal),
    server: withDefaults(ServerService, createClient(ServerService, connection), signal),
  };
}

function withDefaults<S extends DescService>(
  service: S,
  client: ServiceClient<S>,
  signal: AbortSignal | undefined,
): ServiceClient<S> {
  const methods = client as Readonly<Record<string, AnyMethod>>;
  const result: Record<string, AnyMethod> = {};
  for (const { localName } of service.methods) {
    result[localName] = (request, options) => {
      const sessionId = (request as { readonly sessionId?: unknown }).sessionId;
      const named = typeof sessionId === 'string' && sessionId !== '';
      const answer = methods[localName]?.(request, {
        ...(signal && { signal }),
        ...(named && { metadata: { [SESSION_HEADER]: sessionId } }),
        ...options,
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
