/** The variables of an environment. */
type Variables = Readonly<Record<string, string | undefined>>;

/** How traces are exported, as OpenTelemetry's variables say. */
export type TracingSettings =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'otlp';
      readonly protocol: 'http/json' | 'http/protobuf';
      readonly asked: TracingAsked;
    }
  | { readonly kind: 'unknown'; readonly asked: TracingAsked; readonly problem: string };

/**
 * `exporter`: by `OTEL_TRACES_EXPORTER`, so that it has to be possible; `endpoint`: only where it
 * would go is said, which other programs of the environment may be meant with.
 */
export type TracingAsked = 'exporter' | 'endpoint';

const PROTOCOLS = ['http/json', 'http/protobuf'] as const;

/**
 * Reads the variables of OpenTelemetry's specification that say whether and how traces are
 * exported. An empty one counts as none, as the specification says. What else there is of them is
 * read by its SDK.
 */
export function tracingSettings(env: Variables): TracingSettings {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return { kind: 'off' };
  const exporter = env['OTEL_TRACES_EXPORTER'] || undefined;
  if (exporter === 'none') return { kind: 'off' };
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (exporter === undefined && !endpoint) return { kind: 'off' };
  const asked = exporter === undefined ? 'endpoint' : 'exporter';
  if (exporter !== undefined && exporter !== 'otlp') {
    return { kind: 'unknown', asked, problem: 'OTEL_TRACES_EXPORTER is neither otlp nor none' };
  }
  const given =
    env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ||
    env['OTEL_EXPORTER_OTLP_PROTOCOL'] ||
    'http/protobuf';
  const protocol = PROTOCOLS.find((name) => name === given);
  if (protocol === undefined) {
    const problem = 'OTEL_EXPORTER_OTLP_PROTOCOL is neither http/protobuf nor http/json';
    return { kind: 'unknown', asked, problem };
  }
  return { kind: 'otlp', protocol, asked };
}
