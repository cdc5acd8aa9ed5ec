import { InterceptingCall, type Interceptor, type Metadata, status } from '@grpc/grpc-js';
import { type SpanIds, traceContextOf } from '../telemetry/tracing/trace-context.ts';
import type { SessionCalls } from './session-calls.ts';

/** A span of `@opentelemetry/api`, as far as a client uses it. */
export interface TracingSpan {
  spanContext(): SpanIds;
  setAttribute(key: string, value: string): unknown;
  setStatus(status: { readonly code: number }): unknown;
  end(): void;
}

/** A context of `@opentelemetry/api`, which is handed on as it is. */
export interface TracingContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): TracingContext;
  deleteValue(key: symbol): TracingContext;
}

/** What of the module `@opentelemetry/api` a client uses: a program gives its own, `import * as`. */
export interface TracingApi {
  readonly context: {
    active(): TracingContext;
    with<T>(context: TracingContext, use: () => T): T;
  };
  readonly trace: {
    getSpan(context: TracingContext): object | undefined;
    getTracer(name: string): {
      startSpan(
        name: string,
        options: {
          readonly kind: number;
          readonly attributes: Record<string, string>;
        },
        context: TracingContext,
      ): TracingSpan;
    };
  };
}

/** `SpanKind.CLIENT` and `SpanStatusCode.ERROR` of the API, which is not loaded for them. */
const CLIENT_KIND = 2;
const ERROR_STATUS = 2;

const NO_TRACE = /^0*$/;

/** Makes a span of each attempt at a call, and tells the server of it. @internal */
export function traceCalls(api: TracingApi, server: string): Interceptor {
  const tracer = api.trace.getTracer('runlet');
  return (options, nextCall) => {
    const name = options.method_definition.path.slice(1);
    const attributes = {
      'rpc.system.name': 'grpc',
      'rpc.method': name,
      'server.address': server,
    };
    const span = tracer.startSpan(name, { kind: CLIENT_KIND, attributes }, api.context.active());
    return new InterceptingCall(nextCall(options), {
      start(metadata, _listener, next) {
        tell(metadata, span);
        next(metadata, {
          onReceiveStatus(received, pass) {
            end(span, received.code);
            pass(received);
          },
        });
      },
    });
  };
}

/** As W3C Trace Context has it, unless nobody traces. */
function tell(metadata: Metadata, span: TracingSpan): void {
  const ids = span.spanContext();
  if (NO_TRACE.test(ids.traceId)) return;
  const { traceparent, tracestate } = traceContextOf(ids);
  metadata.set('traceparent', traceparent);
  if (tracestate !== '') metadata.set('tracestate', tracestate);
}

function end(span: TracingSpan, code: number): void {
  const name = status[code] ?? String(code);
  span.setAttribute('rpc.response.status_code', name);
  // What is cancelled here was cancelled by this program, which has read enough.
  if (code !== status.OK && code !== status.CANCELLED) {
    span.setAttribute('error.type', name);
    span.setStatus({ code: ERROR_STATUS });
  }
  span.end();
}

/** What a process calls. @internal */
export type ProcessCalls = Pick<SessionCalls, 'call' | 'follow' | 'link'>;

/**
 * The same calls, which belong to what is active now where nothing is active when they are made: a
 * process is read by streams and timers, too. @internal
 */
export function keptInTrace(calls: ProcessCalls, api: TracingApi | undefined): ProcessCalls {
  if (api === undefined) return calls;
  const { context, trace } = api;
  const kept = context.active();
  const within = <T>(use: () => T): T =>
    trace.getSpan(context.active()) === undefined ? context.with(kept, use) : use();
  return {
    link: calls.link,
    call: (policy, make) => within(() => calls.call(policy, make)),
    async *follow(processId, afterSeq, options) {
      const events = calls.follow(processId, afterSeq, options);
      try {
        for (;;) {
          const { done, value } = await within(() => events.next());
          if (done === true) return;
          yield value;
        }
      } finally {
        await events.return(undefined);
      }
    },
  };
}
