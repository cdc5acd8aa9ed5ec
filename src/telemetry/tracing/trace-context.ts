/** Where in which trace something is, as W3C Trace Context (level 1) has it in headers. */
export interface TraceContext {
  readonly traceparent: string;
  /** What the systems on the way have to say; empty: nothing. */
  readonly tracestate: string;
}

/** What a span says of itself, as OpenTelemetry's API has it. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly traceState?: { serialize(): string } | undefined;
}

/** The context of what is a part of a span. */
export function traceContextOf({ spanId, traceFlags, traceId, traceState }: SpanIds): TraceContext {
  const flags = (traceFlags & 0xff).toString(16).padStart(2, '0');
  return {
    traceparent: `00-${traceId}-${spanId}-${flags}`,
    tracestate: traceState?.serialize() ?? '',
  };
}

/**
 * The id of the trace of something that is told to a collector; undefined: it is not, since it was
 * not sampled (W3C, section 3.2.2.5.1).
 */
export function sampledTraceId({ traceparent }: TraceContext): string | undefined {
  const [, trace, , flags = ''] = traceparent.split('-');
  return (Number.parseInt(flags, 16) & 1) === 1 ? trace : undefined;
}

/** Version, trace, parent, flags, and what a later version has beyond them. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;
const NO_ID = /^0+$/;

/** What has to be handed on at least (W3C, section 3.3.1.5). We hand on no more. */
const MAX_TRACESTATE = 512;
const PRINTABLE = /^[\t -~]*$/;

/**
 * The context that headers tell of; undefined: none, or one that is malformed, which counts for
 * none (W3C, section 4.3). A malformed `tracestate` alone is left out.
 */
export function traceContext(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext | undefined {
  const [, version, trace = '', parent = '', more] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceparent === undefined || version === undefined || version === 'ff') return undefined;
  if (version === '00' && more !== undefined) return undefined;
  if (NO_ID.test(trace) || NO_ID.test(parent)) return undefined;
  return { traceparent, tracestate: isTracestate(tracestate) ? tracestate : '' };
}

function isTracestate(text: string | undefined): text is string {
  return text !== undefined && text.length <= MAX_TRACESTATE && PRINTABLE.test(text);
}
