import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished, vi } from 'vitest';
import { type CollectedSpan, spansOfJson, spansOfProtobuf } from './otlp.ts';

/** What exporters can be told to send. */
export const PROTOCOLS = ['http/json', 'http/protobuf'] as const;

/** What becomes of requests: they are taken, fail, or wait for an answer that does not come. */
export type Answers = 'takes' | 'fails' | 'hangs';

/** What exporters send spans to, over OTLP/HTTP. */
export interface TraceCollector {
  readonly url: string;
  /** Those that were taken so far. */
  readonly spans: readonly CollectedSpan[];
  /** What the requests so far were of, whatever became of them. */
  readonly requests: readonly (string | undefined)[];
  /** What becomes of requests from now on. At first they are taken. */
  answer(how: Answers): void;
  /** Listens no more, and cuts what is open. */
  leave(): Promise<void>;
  /** Listens again, at the same port. */
  comeBack(): Promise<void>;
  /** What `find` finds in what has come, as soon as it finds it. */
  until<T>(find: (spans: readonly CollectedSpan[]) => T | undefined): Promise<T>;
}

const DECODERS: Readonly<Record<string, (body: Uint8Array) => readonly CollectedSpan[]>> = {
  'application/json': spansOfJson,
  'application/x-protobuf': spansOfProtobuf,
};

/** Starts one that ends with the test. */
export async function collectTraces(): Promise<TraceCollector> {
  const spans: CollectedSpan[] = [];
  const requests: (string | undefined)[] = [];
  const changes = new EventEmitter();
  let answers: Answers = 'takes';
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const type = request.headers['content-type'] ?? '';
    requests.push(type);
    const how = answers;
    if (how === 'takes') spans.push(...(DECODERS[type]?.(body) ?? []));
    // Empty is a response, as protobuf has it.
    const empty = type === 'application/json' ? '{}' : '';
    if (how === 'takes') response.writeHead(200, { 'content-type': type }).end(empty);
    if (how === 'fails') response.writeHead(500).end('no');
    changes.emit('change');
  };
  // One that is cut has nobody to answer to.
  const server = createServer((request, response) => void take(request, response).catch(() => {}));
  const listen = async (at: number): Promise<void> => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const leave = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  onTestFinished(async () => {
    if (server.listening) await leave();
  });
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    requests,
    answer: (how) => {
      answers = how;
    },
    leave,
    comeBack: () => listen(port),
    async until(find) {
      for (;;) {
        const found = find(spans);
        if (found !== undefined) return found;
        await once(changes, 'change');
      }
    },
  };
}

/** Has programs that are started export to a collector, as JSON unless said otherwise. */
export function exportTo(url: string, protocol = 'http/json'): void {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('OTEL_TRACES_EXPORTER', 'otlp');
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', url);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', protocol);
  // Sooner than the five seconds of the specification.
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '20');
}
