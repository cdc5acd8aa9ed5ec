import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished, vi } from 'vitest';

/** A span, as a collector has it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it is the first of its trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** By number: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 2: it failed. */
  readonly status: number;
  /** In nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  /** What it was of. */
  readonly service: unknown;
}

/** What exporters send spans to, over OTLP/HTTP. */
export interface TraceCollector {
  readonly url: string;
  /** Those that came as JSON so far. */
  readonly spans: readonly CollectedSpan[];
  /** What the requests so far were of, and how many bytes each. */
  readonly requests: readonly { readonly type: string | undefined; readonly bytes: number }[];
  /** What `find` finds in what has come, as soon as it finds it. */
  until<T>(find: (spans: readonly CollectedSpan[]) => T | undefined): Promise<T>;
}

/** Starts one that ends with the test. */
export async function collectTraces(): Promise<TraceCollector> {
  const spans: CollectedSpan[] = [];
  const requests: { type: string | undefined; bytes: number }[] = [];
  const changes = new EventEmitter();
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const type = request.headers['content-type'];
    requests.push({ type, bytes: body.byteLength });
    if (type === 'application/json') spans.push(...spansOf(JSON.parse(body.toString())));
    response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
    changes.emit('change');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    requests,
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

/** A value of OTLP's JSON. */
type OtlpValue = Readonly<Record<string, unknown>>;

interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes?: readonly OtlpAttribute[];
  readonly links?: CollectedSpan['links'];
  readonly status?: { readonly code?: number };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

function spansOf({ resourceSpans }: OtlpRequest): readonly CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        name: span.name,
        kind: span.kind,
        attributes: attributesOf(span.attributes ?? []),
        links: (span.links ?? []).map(({ spanId, traceId }) => ({ traceId, spanId })),
        status: span.status?.code ?? 0,
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        service: attributesOf(resource.attributes)['service.name'],
      })),
    ),
  );
}

function attributesOf(attributes: readonly OtlpAttribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
