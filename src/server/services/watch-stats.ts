import type { CallContext } from '../../bridge/call-context.ts';
import type { EncodedMessage } from '../../bridge/encoded-message.ts';
import type { ServiceImpl } from '../../bridge/types.ts';
import type { Clock } from '../../clock.ts';
import { invalidField } from '../../errors.ts';
import type { ServerService } from '../../gen/runlet/v1/server_pb.ts';
import type { WatchStatsRequest, WatchStatsResponseSchema } from '../../gen/runlet/v1/stats_pb.ts';
import type { Principal } from '../../identity/principal.ts';
import {
  DEFAULT_STATS_INTERVAL_MS,
  type Limits,
  MAX_STATS_INTERVAL_MS,
  MIN_STATS_INTERVAL_MS,
} from '../../limits.ts';
import { callerOf } from '../caller.ts';
import { withHeartbeats } from '../heartbeats.ts';
import { assertGranted } from '../method-grants.ts';
import { parseDuration } from '../requests/fields.ts';
import { encodedRound } from '../stats/round-messages.ts';
import type { Stats, StatsWatch } from '../stats/stats.ts';
import type { View } from '../stats/versions.ts';

/** What `WatchStats` is made with. */
export interface WatchStatsOptions {
  readonly stats: Stats;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Whether callers of the server can be several. */
  readonly severalPrincipals: boolean;
}

/** `WatchStats`. */
export function watchStats({
  clock,
  limits,
  severalPrincipals,
  stats,
}: WatchStatsOptions): Pick<ServiceImpl<typeof ServerService>, 'watchStats'> {
  return {
    async *watchStats(request, context) {
      const intervalMs = parseInterval(request);
      const caller = callerOf(context);
      if (request.all) assertGranted(caller, ['admin']);
      const watch = stats.watch({
        principal: caller.name,
        view: viewOf(caller, request.all),
        ofServer:
          caller.sessionId === undefined && (!severalPrincipals || caller.grants.has('admin')),
        onEnd: (why) => context.fail(why),
      });
      context.defer(() => watch.close());
      context.sendHeaders();
      const messages = rounds(watch, intervalMs, context, clock);
      yield* withHeartbeats(messages, {}, limits.heartbeatMs, clock);
    },
  };
}

/**
 * Rounds as often as they are due: at the whole multiples of the interval, so that all who ask for
 * the same one are told of the same look. One that is not taken in time is left out.
 */
async function* rounds(
  watch: StatsWatch,
  intervalMs: number,
  { signal }: Pick<CallContext, 'signal'>,
  clock: Clock,
): AsyncGenerator<EncodedMessage<typeof WatchStatsResponseSchema>> {
  let last = Math.floor(clock.monotonic() / intervalMs);
  let skipped = 0;
  while (!signal.aborted) {
    const round = await watch.next();
    if (signal.aborted) return;
    if (round !== undefined) {
      const messages = encodedRound(round, skipped);
      let message = timed(messages, watch, clock);
      while (message !== undefined) {
        yield message;
        message = timed(messages, watch, clock);
      }
      skipped = 0;
    }
    // A timer may be a little early: the same one does not come twice for that.
    const next = Math.max(last, Math.floor(clock.monotonic() / intervalMs)) + 1;
    skipped += next - last - 1;
    last = next;
    await until(next * intervalMs, clock, signal);
  }
}

/** The next message, which takes a while to be made; undefined: there is none. */
function timed<T>(messages: Generator<T>, watch: StatsWatch, clock: Clock): T | undefined {
  const began = clock.monotonic();
  const { done, value } = messages.next();
  watch.took(clock.monotonic() - began);
  return done === true ? undefined : value;
}

/** Waits for a time on the monotonic clock, or the signal. */
function until(time: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', settle);
      resolve();
    };
    const timer = clock.setTimer(time - clock.monotonic(), settle);
    signal.addEventListener('abort', settle);
  });
}

function parseInterval({ interval }: WatchStatsRequest): number {
  const intervalMs = parseDuration('interval', interval, MAX_STATS_INTERVAL_MS);
  if (intervalMs !== undefined && intervalMs < MIN_STATS_INTERVAL_MS) {
    throw invalidField('interval', `must be at least ${MIN_STATS_INTERVAL_MS / 1000} s`);
  }
  return intervalMs ?? DEFAULT_STATS_INTERVAL_MS;
}

function viewOf({ name, sessionId }: Principal, all: boolean): View {
  // Narrowed to a session, it is that one which it sees, and no other's.
  return { owner: all && sessionId === undefined ? undefined : name, sessionId };
}
