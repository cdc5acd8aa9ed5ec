import type { ServerLimits } from './server-info.ts';

/** Silence that is longer than heartbeats allow by this much is the end of a stream, in milliseconds. */
const SILENCE_MARGIN_MS = 5_000;

/** How long a stream of a server may be silent before it is taken for dead, in milliseconds. */
export function silenceMsOf({ heartbeatIntervalMs }: ServerLimits): number {
  return 2 * heartbeatIntervalMs + SILENCE_MARGIN_MS;
}
