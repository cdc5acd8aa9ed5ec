import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import type { CallContext } from '../../../src/bridge/call-context.ts';
import { createClient } from '../../../src/bridge/create-client.ts';
import type { CallOptions } from '../../../src/bridge/types.ts';
import { FileService } from '../../../src/gen/runlet/v1/file_pb.ts';
import { HttpService } from '../../../src/gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../../src/gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../../../src/gen/runlet/v1/tunnel_pb.ts';

/** A function for each method of a service that answers with whole messages, so that they can be changed. */
type Forwarded<S extends DescService> = {
  [K in keyof S['method']]: ForwardedMethod<S['method'][K]>;
};

type ForwardedMethod<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, context: CallContext) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, context: CallContext) => AsyncIterable<MessageShape<O>>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? (
            requests: AsyncIterable<MessageShape<I>>,
            context: CallContext,
          ) => Promise<MessageShape<O>>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? (
              requests: AsyncIterable<MessageShape<I>>,
              context: CallContext,
            ) => AsyncIterable<MessageShape<O>>
          : never;

/** All methods of the contract. No two services have one of the same name. */
export type Services = Forwarded<typeof ProcessService> &
  Forwarded<typeof FileService> &
  Forwarded<typeof HttpService> &
  Forwarded<typeof TunnelService> &
  Forwarded<typeof SessionService> &
  Forwarded<typeof ServerService>;

/** The services of the contract. */
export const SERVICES = [
  SessionService,
  ProcessService,
  FileService,
  HttpService,
  TunnelService,
  ServerService,
] as const;

/** What is passed on of the headers of a call: the session's id, and the trace that it is part of. */
const HEADERS = ['runlet-session-id', 'traceparent'] as const;

/** Forwards every call to the server that a connection leads to, unchanged. */
export function forwarding(connection: Client): Services {
  const methods: Record<string, unknown> = {};
  for (const service of SERVICES) {
    const client = createClient(service as DescService, connection) as Readonly<
      Record<string, (request: unknown, options: CallOptions) => unknown>
    >;
    for (const method of service.methods as readonly DescMethod[]) {
      methods[method.localName] = (request: unknown, context: CallContext) =>
        client[method.localName]?.(request, optionsOf(context));
    }
  }
  return methods as Services;
}

function optionsOf(context: CallContext): CallOptions {
  const { deadline, signal } = context;
  const headers = HEADERS.flatMap((name) => {
    const value = context.header(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    signal,
    ...(Number.isFinite(deadline) && { deadline: new Date(deadline) }),
    metadata: Object.fromEntries(headers),
  };
}
