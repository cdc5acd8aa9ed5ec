import type { Clock, Timer } from '../clock.ts';
import { MAX_BEAT_MS, STOP_EXTENSION_MS, STOP_NOTICE_MS } from '../limits.ts';
import type { Notifier } from './notifier.ts';
import type { SystemdVariables } from './variables.ts';

/** What a service tells its manager about its life, in the order in which that goes. */
export interface ServiceNotices {
  /** It serves. `status`: what people are told of it. */
  ready(status: string): void;
  /** People are told something else of it. */
  status(status: string): void;
  /** Has its configuration read again, and tells when that begins and when it is over. */
  reload(run: () => Promise<void>): Promise<void>;
  /** It ends, and may take so long. */
  stopping(maxMs: number): void;
  /** Nothing is told any more. */
  close(): void;
}

/** What {@link serviceNotices} needs. */
export interface ServiceNoticesOptions {
  readonly notifier: Notifier;
  readonly clock: Clock;
  /** Microseconds of `CLOCK_MONOTONIC`, by which the manager tells notices from earlier ones. */
  readonly monotonicUs: () => bigint;
  /** How long the manager waits for a sign of life, in milliseconds; undefined: it does not. */
  readonly watchdogMs: number | undefined;
}

/** Tells a manager by the protocol of sd_notify(3). */
export function serviceNotices(options: ServiceNoticesOptions): ServiceNotices {
  const { clock, monotonicUs, notifier, watchdogMs } = options;
  let state: 'starting' | 'ready' | 'stopping' = 'starting';
  let status = '';
  let reloads = 0;
  /** Whether the manager waits to hear that what is read again is in force. */
  let isAwaited = false;
  let beat: Timer | undefined;
  let extension: Timer | undefined;

  /** A timer comes only while the event loop turns, by which every call is answered. */
  const beats = (everyMs: number): void => {
    notifier.tell({ WATCHDOG: '1' });
    beat = clock.setTimer(everyMs, () => beats(everyMs));
  };
  /** Each time for longer than until the next. What hangs is not kept alive beyond the end. */
  const askForTime = (end: number): void => {
    if (clock.monotonic() >= end) return;
    notifier.tell({ EXTEND_TIMEOUT_USEC: String(STOP_EXTENSION_MS * 1000) });
    extension = clock.setTimer(STOP_NOTICE_MS, () => askForTime(end));
  };
  const tellReady = (): void => notifier.tell({ READY: '1', STATUS: status });
  return {
    ready(text) {
      state = 'ready';
      status = text;
      tellReady();
      if (watchdogMs !== undefined) beats(Math.min(watchdogMs / 2, MAX_BEAT_MS));
    },
    status(text) {
      status = text;
      if (state === 'ready') notifier.tell({ STATUS: status });
    },
    async reload(run) {
      reloads += 1;
      if (state === 'ready') {
        isAwaited = true;
        notifier.tell({
          RELOADING: '1',
          MONOTONIC_USEC: String(monotonicUs()),
          STATUS: 'Reading again what can be',
        });
      }
      try {
        await run();
      } finally {
        reloads -= 1;
        if (isAwaited && reloads === 0 && state !== 'stopping') {
          isAwaited = false;
          tellReady();
        }
      }
    },
    stopping(maxMs) {
      state = 'stopping';
      notifier.tell({ STOPPING: '1', STATUS: 'Shutting down' });
      askForTime(clock.monotonic() + maxMs);
    },
    close() {
      beat?.cancel();
      extension?.cancel();
      notifier.close();
    },
  };
}

/**
 * How long the manager waits for a sign of life of a process: sd_watchdog_enabled(3). Undefined: it
 * waits for none.
 *
 * @throws Error if the variables make no sense
 */
export function watchdogMsOf(
  { WATCHDOG_PID: meant, WATCHDOG_USEC: us }: SystemdVariables,
  pid: number,
): number | undefined {
  if (us === undefined || (meant !== undefined && meant !== String(pid))) return undefined;
  if (!/^\d{1,19}$/.test(us) || Number(us) === 0) {
    throw new Error(`WATCHDOG_USEC is ${us}, and no number of microseconds`);
  }
  return Number(us) / 1000;
}
