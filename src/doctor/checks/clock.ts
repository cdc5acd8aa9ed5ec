import { loadKoffi } from '../../koffi.ts';
import { CLOCK_STEP_MS, FIRST_YEAR, LAST_YEAR } from '../../limits.ts';
import type { Check, Outcome } from '../check.ts';

type Problem = 'stepped' | 'unsynchronized' | 'year';

/** What is known of the clocks. */
export interface ClockFacts {
  /** The time of day, in milliseconds since 1970. */
  readonly now: number;
  /** How much further the time of day went than a clock that nobody sets, since this program began. */
  readonly stepMs: number;
  /** Whether something keeps the time of day right; undefined: it is not told. */
  readonly isSynchronized: boolean | undefined;
  /** What the kernel counts time by; undefined: it is not told. */
  readonly source: string | undefined;
}

/** Whether the time of day can be relied on. */
export function judgeClock({ isSynchronized, now, source, stepMs }: ClockFacts): Outcome<Problem> {
  const time = new Date(now).toISOString();
  const year = new Date(now).getUTCFullYear();
  const by = source === undefined ? '' : `, counted by ${source}`;
  if (year < FIRST_YEAR || year > LAST_YEAR)
    return { detail: `it is ${time}${by}`, problem: 'year' };
  if (Math.abs(stepMs) > CLOCK_STEP_MS) {
    const detail = `it is ${time}${by}; it was set by ${Math.round(stepMs)} ms just now`;
    return { detail, problem: 'stepped' };
  }
  if (isSynchronized === false) {
    return { detail: `it is ${time}${by}; nothing keeps it right`, problem: 'unsynchronized' };
  }
  const told = isSynchronized === true ? 'synchronized' : 'whether it is synchronized is not told';
  return { detail: `it is ${time}${by}; ${told}` };
}

const WRONG =
  'Credentials and certificates count as over too early, too late, or not yet; the times of events, logs and files are wrong. Deadlines, leases and retention are counted by a clock that nobody sets, and are right.';

export const clock: Check<Problem> = {
  name: 'clock',
  about: 'whether the time of day is plausible, goes evenly and is kept right, adjtimex(2)',
  required: false,
  problems: {
    year: {
      consequence: WRONG,
      remedy:
        'Set the clock: `timedatectl set-ntp true`, or `chronyd -q` once. Of a virtual machine, have it be set by its host.',
    },
    stepped: {
      consequence: WRONG,
      remedy:
        'See who sets it, and have one program do that alone: systemd-timesyncd, chrony or ntpd. Run `runlet doctor` again when it is done.',
    },
    unsynchronized: {
      consequence: `The time of day may be wrong before anybody notices. ${WRONG}`,
      remedy:
        'Have it be kept right: `timedatectl set-ntp true`, or install chrony. In a container, on its host.',
    },
  },
  look: ({ platform, read }) =>
    judgeClock({
      now: Date.now(),
      stepMs: Date.now() - (performance.timeOrigin + performance.now()),
      isSynchronized: platform === 'linux' ? isSynchronized() : undefined,
      source: read('/sys/devices/system/clocksource/clocksource0/current_clocksource')?.trim(),
    }),
};

/** Bytes of a `struct timex` on 64-bit Linux, where `status` is in it, and `STA_UNSYNC` of that. */
const TIMEX_BYTES = 208;
const STATUS_OFFSET = 40;
const STA_UNSYNC = 0x40;

function isSynchronized(): boolean | undefined {
  try {
    const adjtimex = loadKoffi().load(null).func('int adjtimex(void *timex)');
    // With no mode nothing is set.
    const timex = Buffer.alloc(TIMEX_BYTES);
    if (Number(adjtimex(timex)) < 0) return undefined;
    return (timex.readInt32LE(STATUS_OFFSET) & STA_UNSYNC) === 0;
  } catch {
    return undefined;
  }
}
