import type { TraceContext } from './trace-context.ts';

/** What is known of a span: names as OpenTelemetry's semantic conventions have them. No secrets. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A span that is to begin. */
export interface SpanStart {
  readonly name: string;
  /** `server`: a call that came from elsewhere; `internal`: something that happens here. */
  readonly kind: 'server' | 'internal';
  /** What it is a part of; undefined: it is the first of its trace. */
  readonly parent: TraceContext | undefined;
  readonly attributes: SpanAttributes;
}

/** Something that takes a while, in a trace. Nothing of it throws or waits. */
export interface Span {
  /** What is a part of it is told this. */
  readonly context: TraceContext;
  /** Adds to what is known of it. */
  set(attributes: SpanAttributes): void;
  /** Says that it has to do with what is at another place, in this trace or another. */
  link(to: TraceContext): void;
  /** It is over. `failed`: by a fault, not by what whoever asked has got wrong. Called once. */
  end(failed: boolean): void;
}

/** What tells of spans to whoever collects them. A server without one traces nothing. */
export interface Tracer {
  begin(start: SpanStart): Span;
  /** Hands over what it has yet, for a bounded time. Never rejects. */
  close(): Promise<void>;
}
