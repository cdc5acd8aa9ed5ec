import { type Command, InvalidArgumentError } from 'commander';
import { type Address, formatAddress, isLoopback, parseAddress } from '../address.ts';
import { absolutePath } from './arguments.ts';
import type { Example } from './examples.ts';
import { type PassedPlace, passedPlace } from './listen-spec.ts';
import { UsageError } from './usage-error.ts';

type TcpAddress = Extract<Address, { readonly kind: 'tcp' }>;

/** Where metrics are told; nowhere if nothing is said. */
export interface MetricsPlace {
  readonly metrics?: TcpAddress;
  /** The descriptor of a socket that listens there already. Undefined: one is made. */
  readonly metricsFd?: number;
}

/** The flags of `runlet serve` that say where metrics are told. */
export interface MetricsServeFlags {
  readonly metrics?: TcpAddress | PassedPlace;
  /** By an absolute path. */
  readonly metricsTokenFile?: string;
}

/** Their names. */
export const METRICS_FLAGS: readonly string[] = ['--metrics', '--metrics-token-file'];

/** Examples with all of them. */
export const METRICS_EXAMPLES: readonly Example[] = [
  {
    command: 'runlet serve --metrics 127.0.0.1:0',
    does: 'Tell Prometheus on this machine what the server does',
    code: null,
    prints: /^runlet listening on unix:.*\nrunlet metrics on 127\.0\.0\.1:[1-9]\d*\n/,
  },
  {
    command:
      '(umask 077 && head -c 24 /dev/urandom | base64 >"$FOLDER/scrape") && runlet serve --metrics 0.0.0.0:0 --metrics-token-file "$FOLDER/scrape"',
    does: 'Tell it on the network, to whoever has a token',
    code: null,
    prints: /^runlet listening on unix:.*\nrunlet metrics on 0\.0\.0\.0:[1-9]\d*\n/,
  },
];

/** Adds them. */
export function addMetricsOptions(command: Command): Command {
  return command
    .option(
      '--metrics <address>',
      'HOST:PORT, or systemd:NAME, at which HTTP tells metrics, and whether the server lives and is ready (default: none)',
      metricsAddress,
    )
    .option(
      '--metrics-token-file <path>',
      'a file with the token that metrics are read with; needed beyond this machine (default: none)',
      absolutePath,
    );
}

/**
 * Looks whether they fit together.
 *
 * @throws UsageError where they do not
 */
export function checkMetrics({ metrics, metricsTokenFile }: MetricsServeFlags): void {
  if (metrics === undefined) {
    if (metricsTokenFile === undefined) return;
    throw new UsageError('--metrics-token-file needs --metrics');
  }
  // What systemd passes is looked at when it is there.
  if (metrics.kind === 'systemd') return;
  if (metricsTokenFile === undefined && !isLoopback(metrics)) {
    throw new UsageError(
      `--metrics ${formatAddress(metrics)} needs --metrics-token-file: it is not a loopback address`,
    );
  }
}

function metricsAddress(text: string): TcpAddress | PassedPlace {
  const place = passedPlace(text);
  // The others are for callers.
  if (place?.name !== undefined) return place;
  const address = ((): Address | undefined => {
    try {
      return parseAddress(text);
    } catch {
      return undefined;
    }
  })();
  if (address?.kind === 'tcp') return address;
  throw new InvalidArgumentError('it is not HOST:PORT');
}
