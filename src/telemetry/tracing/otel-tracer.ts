import {
  createTraceState,
  DiagLogLevel,
  diag,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { Logger } from 'pino';
import { systemClock } from '../../clock.ts';
import { TRACE_FLUSH_MS } from '../../limits.ts';
import { VERSION } from '../../version.ts';
import { within } from '../../within.ts';
import { type TraceContext, traceContextOf } from './trace-context.ts';
import type { Span, Tracer } from './tracer.ts';

/** Where it is told that something is wrong with the export. */
export type TracingLog = Pick<Logger, 'info' | 'warn'>;

/**
 * A tracer of OpenTelemetry's SDK, which reads its own variables. Spans are exported in the
 * background, a batch at a time; those that come while its queue is full are dropped.
 *
 * @throws Error if the packages that it needs are not installed
 */
export async function otelTracer(
  protocol: 'http/json' | 'http/protobuf',
  logger: TracingLog,
): Promise<Tracer> {
  // What the SDK says of its variables is said while it is made. What it says later is known here.
  diag.setLogger(diagLogger(logger), {
    logLevel: DiagLogLevel.WARN,
    suppressOverrideMessage: true,
  });
  try {
    const exporter = told(await otlpExporter(protocol), logger);
    const provider = new BasicTracerProvider({
      resource: defaultResource()
        .merge(resourceFromAttributes({ 'service.name': 'runlet', 'service.version': VERSION }))
        .merge(detectResources({ detectors: [envDetector] })),
      spanProcessors: [new BatchSpanProcessor(exporter)],
    });
    return tracerOf(provider);
  } finally {
    diag.disable();
  }
}

function tracerOf(provider: BasicTracerProvider): Tracer {
  const tracer = provider.getTracer('runlet', VERSION);
  return {
    begin({ attributes, kind, name, parent }) {
      const context =
        parent === undefined
          ? ROOT_CONTEXT
          : trace.setSpanContext(ROOT_CONTEXT, spanContext(parent));
      const options = { kind: KINDS[kind], attributes: { ...attributes } };
      return spanOf(tracer.startSpan(name, options, context));
    },
    async close() {
      await within(
        provider.shutdown().catch(() => {}),
        systemClock,
        TRACE_FLUSH_MS,
      );
    },
  };
}

const KINDS = { server: SpanKind.SERVER, internal: SpanKind.INTERNAL } as const;

function spanOf(span: OtelSpan): Span {
  return {
    context: traceContextOf(span.spanContext()),
    set(attributes) {
      span.setAttributes({ ...attributes });
    },
    link(to) {
      span.addLink({ context: spanContext(to) });
    },
    end(failed) {
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

/** Of a context that was checked. */
function spanContext({ traceparent, tracestate }: TraceContext): SpanContext {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(tracestate === '' ? {} : { traceState: createTraceState(tracestate) }),
  };
}

/** Each is a package of its own, of which one is needed. */
async function otlpExporter(protocol: 'http/json' | 'http/protobuf'): Promise<SpanExporter> {
  if (protocol === 'http/json') {
    const { OTLPTraceExporter } = await import('./json-exporter.ts');
    return new OTLPTraceExporter();
  }
  const { OTLPTraceExporter } = await import('./protobuf-exporter.ts');
  return new OTLPTraceExporter();
}

/** Says that spans do not arrive, and that they do again: once each, however many there are. */
function told(exporter: SpanExporter, logger: TracingLog): SpanExporter {
  let failing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const { error } = result;
        if (error !== undefined && !failing) {
          // The name alone: the message may have what the collector answered.
          logger.warn({ error: error.name }, 'spans cannot be exported; some may be lost');
        } else if (error === undefined && failing) {
          logger.info('spans are exported again');
        }
        failing = error !== undefined;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

function diagLogger(logger: TracingLog): Parameters<typeof diag.setLogger>[0] {
  const warn = (detail: string): void => logger.warn({ detail }, 'OpenTelemetry');
  const ignore = (): void => {};
  return { error: warn, warn, info: ignore, debug: ignore, verbose: ignore };
}
