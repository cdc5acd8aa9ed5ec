import type { Socket } from 'node:net';
import { join } from 'node:path';
import { type Client, Server, ServerCredentials } from '@grpc/grpc-js';
import { expect, onTestFinished } from 'vitest';
import { addService } from '../../src/bridge/add-service.ts';
import { CALL_IDS } from '../../src/bridge/call-context.ts';
import { CallEdges } from '../../src/bridge/call-edges.ts';
import { CallMemory, type CallMemoryOptions } from '../../src/bridge/call-memory.ts';
import { createClient } from '../../src/bridge/create-client.ts';
import { onStreams } from '../../src/bridge/http2-streams.ts';
import type { CallOutcome, Interceptor } from '../../src/bridge/interceptor.ts';
import type { ServiceClient, ServiceImpl } from '../../src/bridge/types.ts';
import { openConnection } from '../../src/client/connection.ts';
import { systemClock } from '../../src/clock.ts';
import { limitExceeded, RunletError } from '../../src/errors.ts';
import { listen } from '../../src/server/listener.ts';
import { statusHeaders, toStatus } from '../../src/server/status.ts';
import { EchoService } from '../gen/runlet/test/v1/echo_pb.ts';
import { temporaryFolder } from '../support/harness.ts';

/** Bytes of a request that the echo server takes. */
export const MAX_REQUEST_BYTES = 64 * 1024;

/** What calls have where a test says nothing else. */
export const MEMORY: CallMemoryOptions = {
  maxBytes: 4 * 1024 * 1024,
  assuredBytes: 0,
  maxWaitMs: 3_600_000,
  clock: systemClock,
};

/** How a call went. */
interface CallReport extends CallOutcome {
  readonly method: string;
  readonly durationMs: number;
  readonly ids: Readonly<Record<string, string>>;
}

/** A server of the bridge alone, and a client of it over a real socket. */
export interface Echo {
  readonly client: ServiceClient<typeof EchoService>;
  readonly connection: Client;
  /** The path of its socket. */
  readonly path: string;
  /** What was reported so far. */
  readonly reports: readonly CallReport[];
  /** Resolves with all reports when there are so many. */
  reported(count: number): Promise<readonly CallReport[]>;
}

const echo: ServiceImpl<typeof EchoService> = {
  unary: ({ text }) => ({ text }),
  async *serverStream({ count, text }) {
    for (let i = 0; i < count; i++) yield { text: `${text}${i}` };
  },
  async clientStream(requests) {
    let text = '';
    for await (const request of requests) text += request.text;
    return { text };
  },
  async *bidiStream(requests) {
    for await (const { text } of requests) yield { text };
  },
};

/** Serves an echo service, parts of it replaced, until the test is over. */
export async function startEcho(
  replaced: Partial<ServiceImpl<typeof EchoService>> = {},
  memory: Partial<CallMemoryOptions> = {},
  interceptors: readonly Interceptor[] = [],
  atNextTurn?: (callback: () => void) => void,
): Promise<Echo> {
  const server = new Server({
    'grpc.max_receive_message_length': 2 * MAX_REQUEST_BYTES,
    'grpc.max_send_message_length': -1,
  });
  const edges = new CallEdges({
    memory: {
      received: new CallMemory({ ...MEMORY, ...memory }),
      answered: new CallMemory({ ...MEMORY, ...memory }),
    },
    maxMessageBytes: 2 * MAX_REQUEST_BYTES,
    memoryError: () => limitExceeded('call_memory_bytes', MEMORY.maxBytes),
    statusHeaders,
  });
  const reports: CallReport[] = [];
  const waiters = new Set<() => void>();
  addService(
    server,
    EchoService,
    { ...echo, ...replaced },
    {
      edges,
      maxRequestBytes: MAX_REQUEST_BYTES,
      toStatus,
      oversizeError: () => limitExceeded('max_request_bytes', MAX_REQUEST_BYTES),
      decodeError: (cause) => new RunletError('INVALID_REQUEST', { cause }),
      interceptors: [
        async (_, context, next) => {
          const began = performance.now();
          const outcome = await next();
          const durationMs = performance.now() - began;
          const { method } = context;
          reports.push({ ...outcome, method, durationMs, ids: context.get(CALL_IDS) });
          for (const wake of waiters) wake();
          return outcome;
        },
        ...interceptors,
      ],
    },
  );
  const sockets: Socket[] = [];
  const path = join(await temporaryFolder(), 'echo.sock');
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  expect(onStreams(server, edges.take, atNextTurn && { atNextTurn })).toBe(true);
  const listener = await listen({ kind: 'unix', path }, (socket) => {
    sockets.push(socket);
    injector.injectConnection(socket);
  });
  const connection = openConnection(listener.address);
  onTestFinished(async () => {
    connection.close();
    await listener.close();
    server.forceShutdown();
    for (const socket of sockets) socket.destroy();
  });
  return {
    client: createClient(EchoService, connection),
    connection,
    path,
    reports,
    reported: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (reports.length < count) return;
          waiters.delete(look);
          resolve(reports);
        };
        waiters.add(look);
        look();
      }),
  };
}

/** All texts of a stream of responses. */
export async function textsOf(
  responses: AsyncIterable<{ readonly text: string }>,
): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const { text } of responses) texts.push(text);
  return texts;
}

/** Requests that are there at once. */
export async function* requestsOf(...texts: readonly string[]): AsyncGenerator<{ text: string }> {
  for (const text of texts) yield { text };
}

/** Resolves when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}

/** A promise and its resolution. */
export function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
