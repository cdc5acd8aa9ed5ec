import { status } from '@grpc/grpc-js';
import { CALL_IDS, type CallContext, contextKey } from '../bridge/call-context.ts';
import type { Interceptor } from '../bridge/interceptor.ts';
import { RunletError } from '../errors.ts';
import { type TraceContext, traceContext } from '../telemetry/tracing/trace-context.ts';
import type { Span, Tracer } from '../telemetry/tracing/tracer.ts';

/** The span of a call; undefined: the server traces nothing. */
export const CALL_SPAN = contextKey<Span | undefined>(undefined);

/** What is the fault of a server, as OpenTelemetry's conventions for gRPC have it. */
const FAULTS: ReadonlySet<number> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** Makes a span of each call, as OpenTelemetry's conventions for RPC have it: docs/tracing.md. */
export function traceCalls(tracer: Tracer): Interceptor {
  return async (_method, context, next) => {
    // A path begins with a slash, a name does not.
    const name = context.method.slice(1);
    const span = tracer.begin({
      name,
      kind: 'server',
      parent: callerTrace(context),
      attributes: { 'rpc.system.name': 'grpc', 'rpc.method': name },
    });
    context.set(CALL_SPAN, span);
    const outcome = await next();
    const { code, error } = outcome;
    const failed = FAULTS.has(code);
    const codeName = status[code] ?? String(code);
    const { processId, sessionId } = context.get(CALL_IDS);
    span.set({
      'rpc.response.status_code': codeName,
      ...(failed ? { 'error.type': codeName } : {}),
      ...(error instanceof RunletError ? { 'runlet.error.reason': error.reason } : {}),
      ...(sessionId === undefined ? {} : { 'runlet.session.id': sessionId }),
      ...(processId === undefined ? {} : { 'runlet.process.id': processId }),
    });
    span.end(failed);
    return outcome;
  };
}

/** Where in which trace a call is; undefined: it has no span. */
export function traceOfCall(context: CallContext): TraceContext | undefined {
  return context.get(CALL_SPAN)?.context;
}

/** Where in which trace the caller is, as its metadata says; undefined: nowhere that is known. */
export function callerTrace(context: CallContext): TraceContext | undefined {
  return traceContext(context.header('traceparent'), context.header('tracestate'));
}
