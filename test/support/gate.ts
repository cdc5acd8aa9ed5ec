import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import { addService } from '../../src/bridge/add-service.ts';
import type { CallContext } from '../../src/bridge/call-context.ts';
import type { ServiceImpl } from '../../src/bridge/types.ts';
import { RunletError } from '../../src/errors.ts';
import { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import { listen } from '../../src/server/listener.ts';
import { toStatus } from '../../src/server/status.ts';
import { type Clients, connectClients, temporaryFolder } from './harness.ts';

/** Who stands between clients and a server, as the gateway of a service mesh does. */
export interface Gate {
  readonly address: Address;
  /** Ends every connection. */
  cut(): void;
}

/** A status of gRPC, without a reason of runlet's. */
class Refusal extends Error {
  readonly code: number;

  constructor(code: keyof typeof status) {
    super(`refused with ${code}`);
    this.code = status[code];
  }
}

/** Asked for each call: undefined lets it through, and the name of a status refuses it. */
type Admit = (context: CallContext) => keyof typeof status | undefined;

/** What a gate does beside letting calls through. */
export interface GateOptions {
  /** Delays the answer of a call that is no stream. */
  readonly holdAnswer?: (context: CallContext) => Promise<void>;
  /** Changes requests, those that are one message, before they are passed on. */
  readonly onRequest?: (request: unknown) => void;
  /** Changes answers, those that are one message. */
  readonly onAnswer?: (answer: unknown) => void;
  /** For TLS, over TCP. Default: none, over a Unix socket. */
  readonly credentials?: ServerCredentials;
}

/** Opens a gate to a server. */
export async function startGate(
  target: Address,
  admit: Admit,
  { credentials, ...changes }: GateOptions = {},
): Promise<Gate> {
  const clients = connectClients(target);
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  const options = {
    maxRequestBytes: 8 * 1024 * 1024,
    toStatus: (error: unknown) =>
      error instanceof Error && 'code' in error && 'metadata' in error
        ? (error as never)
        : error instanceof Refusal
          ? { code: error.code, details: error.message }
          : toStatus(error),
    oversizeError: () => new RunletError('INTERNAL'),
    decodeError: () => new RunletError('INTERNAL'),
  };
  const services = {
    sessions: SessionService,
    processes: ProcessService,
    files: FileService,
    server: ServerService,
  };
  for (const [name, service] of Object.entries(services)) {
    const client = clients[name as keyof typeof services];
    addService<DescService>(server, service, forwardTo(service, client, admit, changes), options);
  }
  const sockets = new Set<Socket>();
  const injector = server.createConnectionInjector(
    credentials ?? ServerCredentials.createInsecure(),
  );
  const address: Address =
    credentials === undefined
      ? { kind: 'unix', path: join(await temporaryFolder(), 'gate.sock') }
      : { kind: 'tcp', host: '127.0.0.1', port: 0 };
  const listener = await listen(address, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(async () => {
    await listener.close();
    server.forceShutdown();
    cut();
  });
  return { address: listener.address, cut };
}

/** Answers each call as the server does. Those that stream requests are not let through. */
function forwardTo(
  service: DescService,
  client: Clients[keyof Pick<Clients, 'sessions' | 'processes' | 'files' | 'server'>],
  admit: Admit,
  { holdAnswer = async () => {}, onAnswer = () => {}, onRequest = () => {} }: GateOptions,
): ServiceImpl<DescService> {
  const functions = client as Readonly<
    Record<string, (request: unknown, options: { signal: AbortSignal }) => unknown>
  >;
  const implementation: Record<string, unknown> = {};
  for (const { localName, methodKind } of service.methods) {
    const check = (context: CallContext): void => {
      const refusal = admit(context);
      if (refusal !== undefined) throw new Refusal(refusal);
    };
    implementation[localName] =
      methodKind === 'server_streaming'
        ? async function* (request: unknown, context: CallContext) {
            check(context);
            const { signal } = context;
            onRequest(request);
            yield* functions[localName]?.(request, { signal }) as AsyncIterable<unknown>;
          }
        : async (request: unknown, context: CallContext) => {
            check(context);
            onRequest(request);
            const answer = await functions[localName]?.(request, { signal: context.signal });
            onAnswer(answer);
            await holdAnswer(context);
            return answer;
          };
  }
  return implementation as ServiceImpl<DescService>;
}
