import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import type { Client } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import { StatusSchema } from '../../src/gen/google/rpc/status_pb.ts';
import { type TunnelFailure, TunnelFailureSchema } from '../../src/gen/runlet/v1/error_pb.ts';
import {
  SandboxAccess,
  SandboxNetwork,
  SandboxPlace,
  type SandboxSchema,
} from '../../src/gen/runlet/v1/sandbox_pb.ts';
import {
  type ConnectRequestSchema,
  type ConnectResponse,
  type ListenRequestSchema,
  type ListenResponse,
  type TunnelEnded,
  type TunnelOpenSchema,
  TunnelService,
} from '../../src/gen/runlet/v1/tunnel_pb.ts';

import { readUntil } from './events.ts';
import type { Failure } from './failure.ts';
import type { Harness } from './harness.ts';

type Request = NonNullable<MessageInitShape<typeof ConnectRequestSchema>['request']>;
type Response = NonNullable<ConnectResponse['response']>;

/** A `Connect`: what is sent as the test goes on, and what comes back. */
export interface OpenTunnel {
  send(request: Request): void;
  /** Sends some bytes; resolves when they were taken from here. */
  write(data: Uint8Array | string): Promise<void>;
  eof(): void;
  /** Ends the stream of requests, and says nothing. */
  finish(): void;
  cancel(): void;
  /** The next that says something. */
  next(): Promise<Response>;
  /** The next, which has to be this. */
  expect<C extends Response['case'] & string>(
    kind: C,
  ): Promise<Extract<Response, { case: C }>['value']>;
  /** As many bytes, or those until something else comes, which is lost. */
  read(length?: number): Promise<Buffer>;
  /** What comes until the end, and that. */
  ended(): Promise<TunnelEnded>;
  /** Resolves when the call has ended well, whatever else it says. */
  over(): Promise<void>;
}

/** Opens a tunnel, which is cancelled when the test is over. */
export function openTunnel(
  connection: Client,
  open: MessageInitShape<typeof TunnelOpenSchema> | undefined,
): OpenTunnel {
  const queue: { readonly request: Request | undefined; readonly taken: () => void }[] = [];
  let wake = (): void => {};
  async function* requests() {
    if (open !== undefined) yield { request: { case: 'open' as const, value: open } };
    for (;;) {
      const next = queue.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const { request, taken } = next;
      if (request === undefined) return;
      yield { request };
      taken();
    }
  }
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const responses = createClient(TunnelService, connection)
    .connect(requests(), { signal: abort.signal })
    [Symbol.asyncIterator]();
  const push = (request: Request | undefined): Promise<void> =>
    new Promise((taken) => {
      queue.push({ request, taken });
      wake();
    });
  const tunnel: OpenTunnel = {
    send: (request) => void push(request),
    write: (data) => push({ case: 'data', value: Buffer.from(data as string) }),
    eof: () => void push({ case: 'eof', value: {} }),
    finish: () => void push(undefined),
    cancel: () => abort.abort(),
    async next() {
      for (;;) {
        const { done, value } = await responses.next();
        if (done) throw new Error('the stream is over');
        if (value.response.case !== undefined) return value.response;
      }
    },
    async expect(kind) {
      const response = await tunnel.next();
      if (response.case !== kind) throw new Error(`expected ${kind}, not ${response.case}`);
      return response.value as never;
    },
    async read(length = Number.POSITIVE_INFINITY) {
      const parts: Uint8Array[] = [];
      for (let left = length; left > 0; ) {
        const response = await tunnel.next();
        if (response.case !== 'data') break;
        parts.push(response.value);
        left -= response.value.byteLength;
      }
      return Buffer.concat(parts);
    },
    async ended() {
      for (;;) {
        const response = await tunnel.next();
        if (response.case === 'end') return response.value;
      }
    },
    async over() {
      while (!(await responses.next()).done);
    },
  };
  return tunnel;
}

/** Opens one, and waits until it is connected. */
export async function connectedTunnel(
  connection: Client,
  open: MessageInitShape<typeof TunnelOpenSchema>,
): Promise<OpenTunnel & { readonly peer: string }> {
  const tunnel = openTunnel(connection, open);
  const { peer } = await tunnel.expect('opened');
  return { ...tunnel, peer };
}

/** A `Listen`. */
export interface OpenListener {
  /** What it says next. */
  next(): Promise<ListenResponse['response']>;
  cancel(): void;
  /** Resolves when the call has ended well, whatever else it says. */
  over(): Promise<void>;
}

/** Listens until the test is over. */
export function openListener(
  connection: Client,
  request: MessageInitShape<typeof ListenRequestSchema>,
): OpenListener {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const responses = createClient(TunnelService, connection)
    .listen(request, { signal: abort.signal })
    [Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await responses.next();
      if (done) throw new Error('the stream is over');
      return value.response;
    },
    cancel: () => abort.abort(),
    async over() {
      while (!(await responses.next()).done);
    },
  };
}

/** What a failed call says of a connection. */
export function tunnelFailureOf({ error }: Failure): TunnelFailure | undefined {
  const [header] = error.metadata.get('grpc-status-details-bin');
  const { details } = fromBinary(StatusSchema, Buffer.from(header ?? ''));
  return details.map((any) => anyUnpack(any, TunnelFailureSchema)).find((found) => found);
}

/** The process of a harness that runs a script of Node.js, which tells a port first, and that. */
export async function startListening(
  { processes, sessionId }: Pick<Harness, 'processes' | 'sessionId'>,
  script: string,
  sandbox?: MessageInitShape<typeof SandboxSchema>,
): Promise<{ readonly processId: string; readonly port: number }> {
  const spec = { argv: [process.execPath, '-e', script], ...(sandbox && { sandbox }) };
  const { process: started } = await processes.startProcess({ sessionId, spec });
  const processId = started?.processId ?? '';
  const events = processes.watchProcess({ sessionId, processId })[Symbol.asyncIterator]();
  let said = '';
  await readUntil(events, ({ event }) => {
    if (event.case === 'closed') throw new Error(`it has ended: ${said}`);
    if (event.case === 'output') said += Buffer.from(event.value.data);
    return said.includes('\n');
  });
  await events.return?.(undefined);
  return { processId, port: Number(said) };
}

/** A sandbox that sees all files and has a network of its own. */
export const OWN_NETWORK: MessageInitShape<typeof SandboxSchema> = {
  rules: [{ place: SandboxPlace.ROOT, access: SandboxAccess.READ }],
  network: SandboxNetwork.NONE,
};

/** A server of TCP in the test, and who has connected to it so far. */
export interface Peer {
  readonly port: number;
  readonly server: Server;
  /** The next that connects. Its data is not read before somebody asks. */
  accept(): Promise<Socket>;
}

/** Listens in the test, on loopback or at a path, until it is over. */
export async function startPeer(path?: string): Promise<Peer> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const waiting: Socket[] = [];
  const all = new Set<Socket>();
  let wake = (): void => {};
  server.on('connection', (socket) => {
    all.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => all.delete(socket));
    waiting.push(socket);
    wake();
  });
  server.listen(path === undefined ? { host: '127.0.0.1', port: 0 } : { path });
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of all) socket.destroy();
  });
  const address = server.address();
  return {
    server,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async accept() {
      for (;;) {
        const socket = waiting.shift();
        if (socket !== undefined) return socket;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/** How a connection of the test ends: all that came, and the name of the error if it broke. */
export function endOf(
  socket: Socket,
): Promise<{ readonly bytes: Buffer; readonly error: string | undefined }> {
  const parts: Buffer[] = [];
  let error: string | undefined;
  return new Promise((resolve) => {
    socket.on('data', (part) => void parts.push(part));
    socket.on('error', (broken) => {
      error = 'code' in broken ? String(broken.code) : broken.message;
    });
    const settle = (): void => resolve({ bytes: Buffer.concat(parts), error });
    socket.on('end', settle);
    socket.on('close', settle);
    socket.resume();
  });
}
