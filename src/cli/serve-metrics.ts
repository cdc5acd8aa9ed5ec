import { formatAddress } from '../address.ts';
import { MAX_METRICS_TOKEN, MIN_METRICS_TOKEN } from '../limits.ts';
import { assertOwnFile, readRegularFile } from '../read-file.ts';
import { DENIALS } from '../server/denials.ts';
import { SERVED_METHODS } from '../server/grpc-server.ts';
import type { RunletServer } from '../server/server.ts';
import type { ServerLog } from '../server/server-log.ts';
import type { Meter } from '../telemetry/meter.ts';
import { formatFor } from '../telemetry/metrics/exposition.ts';
import { openMetrics } from '../telemetry/metrics/metrics.ts';
import { openOperatorListener, type ReadyNow } from '../telemetry/operator-listener.ts';
import { VERSION } from '../version.ts';
import type { Reloads } from './reloads.ts';
import type { MetricsPlace } from './serve-metrics-options.ts';
import { systemReason } from './system-reason.ts';
import { UsageError } from './usage-error.ts';

/** The metrics of a server, from before it is there. */
export interface ServedMetrics {
  /** Counts what it does. */
  readonly meter: Meter;
  /** Where they are told, as {@link formatAddress} has it. */
  readonly where: string;
  /** It is there. `ready`: whether new work is to come. */
  serves(server: Pick<RunletServer, 'gauges'>, ready: () => ReadyNow): void;
  /** They are told no more. */
  close(): void;
}

/** The flags about metrics, where it is known which socket is meant. */
export interface PlacedMetricsFlags extends MetricsPlace {
  readonly metricsTokenFile?: string | undefined;
}

/** Those that fit together, and ask for metrics. */
interface FlagsWithMetrics extends PlacedMetricsFlags {
  readonly metrics: NonNullable<MetricsPlace['metrics']>;
}

/** A token, and how it is read again. */
interface Token {
  readonly current: () => string;
  readonly reload: () => Promise<void>;
}

const STARTING: ReadyNow = { ready: false, reasons: ['the server is starting'] };

/**
 * Counts, and tells it over HTTP where the flags say. `exemplars`: with which traces are examples of
 * what was measured, where there are traces.
 *
 * @throws UsageError if the token cannot be read
 * @throws Error if the address cannot be listened at
 */
export async function serveMetrics(
  { metrics: address, metricsFd: fd, metricsTokenFile: path }: FlagsWithMetrics,
  logger: ServerLog,
  reloads: Reloads,
  exemplars: boolean,
): Promise<ServedMetrics> {
  const asked = formatAddress(address);
  const token = path === undefined ? undefined : await openToken(path);
  if (token !== undefined) reloads.add('the token of metrics', token.reload);
  const metrics = openMetrics({
    version: VERSION,
    methods: SERVED_METHODS,
    denials: DENIALS,
    exemplars,
  });
  let served: Pick<RunletServer, 'gauges'> | undefined;
  let ready = (): ReadyNow => STARTING;
  const listener = await openOperatorListener({
    host: address.host,
    port: address.port,
    fd,
    scrape: (accept) => served && metrics.scrape(formatFor(accept), served.gauges()),
    ready: () => ready(),
    token: token?.current,
    onError: (err) => logger.error({ err }, 'metrics could not be told by a fault of ours'),
  }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`--metrics ${asked}: ${systemReason(error)}`);
  });
  return {
    meter: metrics.meter,
    where: formatAddress({ ...address, port: listener.port }),
    serves(server, isReady) {
      served = server;
      ready = isReady;
    },
    close: () => listener.close(),
  };
}

async function openToken(path: string): Promise<Token> {
  let current = await readMetricsToken(path);
  return {
    current: () => current,
    async reload() {
      current = await readToken(path);
    },
  };
}

/**
 * Reads the token of metrics.
 *
 * @throws UsageError if it cannot be taken as it is
 */
export function readMetricsToken(path: string): Promise<string> {
  return readToken(path).catch((error: Error) => {
    throw new UsageError(`--metrics-token-file: ${error.message}`);
  });
}

async function readToken(path: string): Promise<string> {
  const maxBytes = MAX_METRICS_TOKEN;
  const { bytes } = await readRegularFile(path, { maxBytes, check: assertUnread });
  const token = bytes.toString('latin1').trim();
  if (token.length < MIN_METRICS_TOKEN || !/^[\x21-\x7e]+$/.test(token)) {
    throw new Error(`it has no token of ${MIN_METRICS_TOKEN} characters or more`);
  }
  return token;
}

/** Whoever can read it can read the metrics, and whoever can write it says who can. */
function assertUnread(stats: Parameters<typeof assertOwnFile>[0]): void {
  assertOwnFile(stats);
  if ((stats.mode & 0o004n) !== 0n) throw new Error('all users can read it (chmod o-r)');
}
