import * as api from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import { openConnection } from '../../src/client/connection.ts';
import { OptionError } from '../../src/client/index.ts';
import { clientSettings } from '../../src/client/options.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { connectTo, errorOf } from '../support/client.ts';
import { collect } from '../support/events.ts';
import type { CollectedSpan } from '../support/otlp.ts';
import { serve } from '../support/served.ts';
import {
  collectTraces,
  exportTo,
  PROTOCOLS,
  type TraceCollector,
} from '../support/trace-collector.ts';

const SERVER = 2;
const CLIENT = 3;

/** Has this program trace, and export to a collector, as one does that uses the SDK. */
function traceHere({ url }: TraceCollector): api.Tracer {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'program' }),
    spanProcessors: [
      new SimpleSpanProcessor(new OTLPTraceExporter({ url: new URL('/v1/traces', url).href })),
    ],
  });
  api.trace.setGlobalTracerProvider(provider);
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(async () => {
    api.trace.disable();
    api.context.disable();
    await provider.shutdown();
  });
  return provider.getTracer('program');
}

/** Does something in a span of this program, which it ends. */
function inSpan<T>(tracer: api.Tracer, name: string, use: () => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, async (span) => {
    try {
      return await use();
    } finally {
      span.end();
    }
  });
}

/** The spans from one to the first of its trace, once all have come. */
function lineOf(
  collector: TraceCollector,
  isLast: (span: CollectedSpan) => boolean,
): Promise<readonly CollectedSpan[]> {
  return collector.until((spans) => {
    const line: CollectedSpan[] = [];
    for (let at = spans.find(isLast); at !== undefined; ) {
      line.unshift(at);
      const { parentSpanId } = at;
      if (parentSpanId === '') return line;
      at = spans.find(({ spanId }) => spanId === parentSpanId);
    }
    return undefined;
  });
}

const shown = ({ kind, name, service }: CollectedSpan): string => `${service} ${kind} ${name}`;

/** Each begins when the one above it has. */
function expectOneTrace(line: readonly CollectedSpan[]): void {
  expect(new Set(line.map(({ traceId }) => traceId)).size).toBe(1);
  const starts = line.map(({ start }) => start);
  expect(starts).toEqual([...starts].sort((a, b) => (a < b ? -1 : Number(a > b))));
}

describe.each(PROTOCOLS)('a client that traces, of a server that exports by %s', (protocol) => {
  it('is in one trace with a process that it starts and watches', async () => {
    const collector = await collectTraces();
    exportTo(collector.url, protocol);
    const { address } = await serve();
    const tracer = traceHere(collector);
    const client = connectTo(address, { tracing: api });
    const process = await inSpan(tracer, 'begin', async () => {
      const session = await client.session();
      return session.start({ argv: ['/bin/echo', 'hello'] });
    });
    // Read where nothing is active: it belongs to what started it.
    const output: Buffer[] = [];
    for await (const chunk of process.stdout ?? []) output.push(chunk);
    expect(Buffer.concat(output).toString()).toBe('hello\n');
    const started = await lineOf(collector, ({ name }) => name === 'echo');
    expect(started.map(shown)).toEqual([
      'program 1 begin',
      'program 3 runlet.v1.ProcessService/StartProcess',
      'runlet 2 runlet.v1.ProcessService/StartProcess',
      'runlet 1 echo',
    ]);
    expectOneTrace(started);
    const isWatch = ({ kind, name }: CollectedSpan): boolean =>
      kind === SERVER && name === 'runlet.v1.ProcessService/WatchProcess';
    const watched = await lineOf(collector, isWatch);
    expect(watched.map(shown)).toEqual([
      'program 1 begin',
      'program 3 runlet.v1.ProcessService/WatchProcess',
      'runlet 2 runlet.v1.ProcessService/WatchProcess',
    ]);
    expectOneTrace(watched);
    const [life] = started.slice(-1);
    expect(watched[0]?.spanId).toBe(started[0]?.spanId);
    expect(watched[2]?.links).toEqual([{ traceId: life?.traceId, spanId: life?.spanId }]);
    const [, call] = started;
    expect(call?.attributes).toMatchObject({
      'rpc.system.name': 'grpc',
      'rpc.method': 'runlet.v1.ProcessService/StartProcess',
      'rpc.response.status_code': 'OK',
      'server.address': `unix:${address.kind === 'unix' ? address.path : ''}`,
    });
  });

  it('is in one trace with a process that a call runs', async () => {
    const collector = await collectTraces();
    exportTo(collector.url, protocol);
    const { address } = await serve();
    const tracer = traceHere(collector);
    const connection = openConnection(address, clientSettings({ tracing: api }));
    onTestFinished(() => connection.close());
    const processes = createClient(ProcessService, connection);
    await inSpan(tracer, 'work', () => collect(processes.run({ spec: { argv: ['/bin/true'] } })));
    const line = await lineOf(collector, ({ name }) => name === 'true');
    expect(line.map(shown)).toEqual([
      'program 1 work',
      'program 3 runlet.v1.ProcessService/Run',
      'runlet 2 runlet.v1.ProcessService/Run',
      'runlet 1 true',
    ]);
    expectOneTrace(line);
  });
});

describe('a client that traces', () => {
  it('tells of calls that fail', async () => {
    const collector = await collectTraces();
    const { address } = await serve();
    traceHere(collector);
    const client = connectTo(address, { tracing: api });
    const session = await client.session();
    await errorOf(session.process(crypto.randomUUID()));
    const failed = await collector.until((spans) => spans.find(({ status }) => status === 2));
    expect(failed).toMatchObject({ kind: CLIENT, attributes: { 'error.type': 'NOT_FOUND' } });
  });

  it('sends no context where the program has no SDK', async () => {
    const collector = await collectTraces();
    exportTo(collector.url);
    const { address } = await serve();
    const client = connectTo(address, { tracing: api });
    await client.info();
    const info = await collector.until((spans) =>
      spans.find(({ name }) => name === 'runlet.v1.ServerService/GetServerInfo'),
    );
    expect(info.parentSpanId).toBe('');
  });

  it('takes nothing but the module', () => {
    const tracing: unknown = { trace: api.trace };
    const options = { tracing } as { readonly tracing: typeof api };
    expect(() => clientSettings(options)).toThrow(OptionError);
    expect(() => clientSettings(options)).toThrow('tracing must be the module @opentelemetry/api');
  });
});
