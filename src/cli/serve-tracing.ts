import type { ServerLog } from '../server/server-log.ts';
import { type TracingSettings, tracingSettings } from '../telemetry/tracing/otel-settings.ts';
import type { Tracer } from '../telemetry/tracing/tracer.ts';
import { UsageError } from './usage-error.ts';

/** What has to be installed beside runlet. */
const PACKAGES = '@opentelemetry/api, @opentelemetry/resources, @opentelemetry/sdk-trace-base';

/**
 * What traces are exported by, as the standard variables of OpenTelemetry say; undefined: tracing is
 * off, and nothing is loaded for it. Where they only say where traces would go, and it is not
 * possible, that is a line in the log: the variables may be there for other programs.
 *
 * @throws UsageError if they ask for traces and there can be none
 */
export async function serveTracing(
  env: Readonly<NodeJS.ProcessEnv>,
  logger: ServerLog,
): Promise<Tracer | undefined> {
  const settings = tracingSettings(env);
  if (settings.kind === 'off') return undefined;
  const problem = (text: string): undefined => {
    if (settings.asked === 'exporter') throw new UsageError(text, 'see docs/tracing.md');
    logger.warn({ problem: text }, 'there are no traces');
  };
  if (settings.kind === 'unknown') return problem(settings.problem);
  try {
    const { otelTracer } = await import('../telemetry/tracing/otel-tracer.ts');
    return await otelTracer(settings.protocol, logger);
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    return problem(`traces need packages that are not installed: ${packagesOf(settings)}`);
  }
}

function packagesOf({ protocol }: Extract<TracingSettings, { kind: 'otlp' }>): string {
  const name = protocol === 'http/json' ? 'http' : 'proto';
  return `${PACKAGES}, @opentelemetry/exporter-trace-otlp-${name}`;
}

/** As `import` has it, and `require`. */
function isNotInstalled(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}
