import type { CallContext } from '../bridge/call-context.ts';
import { Signal } from '../gen/runlet/v1/signal_pb.ts';
import type { ExitStatus } from '../output/event.ts';
import type { Process } from '../process/process.ts';
import type { ProcessRecord } from '../process/process-record.ts';
import type { ProcessSpec } from '../process/process-spec.ts';
import { shownText } from '../system-text.ts';
import type { TraceContext } from '../telemetry/tracing/trace-context.ts';
import type { Span, SpanAttributes, Tracer } from '../telemetry/tracing/tracer.ts';
import type { GuardOf } from './start-guards.ts';
import { CALL_SPAN, callerTrace, traceOfCall } from './trace-calls.ts';

/** As OpenTelemetry's specification of environment variables as carriers names them. */
const TRACE_VARIABLES: readonly string[] = ['TRACEPARENT', 'TRACESTATE'];

/** The spans of processes that have one. */
const PROCESS_TRACES = new WeakMap<Process, TraceContext>();

/**
 * Makes a span of the life of each process that is started, below that of the call, where there is
 * a tracer; and tells those of their trace that are to know.
 */
export function traceStarts(guardOf: GuardOf, tracer: Tracer | undefined): GuardOf {
  return (context) => {
    const guard = guardOf(context);
    let span: Span | undefined;
    return {
      ...guard,
      ...(tracer === undefined ? {} : { trace: () => span?.context }),
      async admit(asked) {
        const spec = await guard.admit(asked);
        const parent = traceOfCall(context);
        const name = programName(spec);
        const attributes = { 'process.executable.name': name };
        span = tracer?.begin({ name, kind: 'internal', parent, attributes });
        const trace = span?.context ?? callerTrace(context);
        return spec.traceContext && trace !== undefined ? withTrace(spec, trace) : spec;
      },
      started(id, process) {
        guard.started(id, process);
        if (span !== undefined) void traceLife(process, span);
      },
    };
  };
}

/** Says in the span of a call which process it is about. */
export function linkProcess(context: CallContext, process: Process): void {
  const span = context.get(CALL_SPAN);
  const trace = span && PROCESS_TRACES.get(process);
  if (trace !== undefined) span?.link(trace);
}

/** No other trace shows through, which would be that of the server or of whoever started it. */
function withTrace(spec: ProcessSpec, { traceparent, tracestate }: TraceContext): ProcessSpec {
  const { env, envPolicy } = spec;
  const others = [...env].filter(([name]) => !TRACE_VARIABLES.includes(name));
  const set = envPolicy && new Map(envPolicy.set);
  for (const name of TRACE_VARIABLES) set?.delete(name);
  const own = new Map([...others, ['TRACEPARENT', traceparent]]);
  if (tracestate !== '') own.set('TRACESTATE', tracestate);
  return {
    ...spec,
    env: own,
    envPolicy: envPolicy &&
      set && { ...envPolicy, set, exclude: [...envPolicy.exclude, ...TRACE_VARIABLES] },
  };
}

async function traceLife(process: Process, span: Span): Promise<void> {
  PROCESS_TRACES.set(process, span.context);
  span.set({ 'runlet.process.id': process.id, 'process.pid': process.record.pid });
  await process.closed.wait();
  const { attributes, failed } = howItEnded(process.record);
  span.set(attributes);
  span.end(failed);
}

function howItEnded({ phase }: ProcessRecord): { attributes: SpanAttributes; failed: boolean } {
  if (phase.state !== 'closed') return { attributes: {}, failed: false };
  const { closure, exit } = phase;
  const failed = !('code' in exit.status && exit.status.code === 0);
  return {
    attributes: {
      ...statusAttributes(exit.status),
      'runlet.process.end_reason': exit.reason,
      'runlet.process.output_complete': closure.outputComplete,
      ...Object.fromEntries(
        Object.entries(closure.totals).map(([stream, bytes]) => [
          `runlet.process.output.${stream}_bytes`,
          bytes,
        ]),
      ),
      ...(failed ? { 'error.type': exit.reason } : {}),
    },
    failed,
  };
}

function statusAttributes(status: ExitStatus): SpanAttributes {
  if ('code' in status) return { 'process.exit.code': status.code };
  const name = Signal[status.signal];
  return {
    'runlet.process.exit.signal': name === undefined ? String(status.signal) : `SIG${name}`,
  };
}

/** The last part of its path, for people: arguments may hold secrets. */
function programName({ argv: [program = ''] }: ProcessSpec): string {
  return shownText(program.slice(program.lastIndexOf('/') + 1)) || 'process';
}
