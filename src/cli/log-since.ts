import { InvalidArgumentError } from 'commander';
import type { ProcessEvent, RemoteProcess } from '../client/index.ts';
import { spanMs } from '../quantities.ts';

/** Events that are read rather than looked through further. */
const FEW_EVENTS = 256;

/** A moment, in milliseconds since 1970: `10m` and `1h30m` ago, or a date and time. */
export function moment(text: string): number {
  // A number alone is not taken for seconds: it might be meant as a moment.
  const ago = /[a-z]$/.test(text) ? spanMs(text) : Number.NaN;
  if (!Number.isNaN(ago)) return Date.now() - ago;
  // A year at least: what Date takes besides dates, such as `5`, is meant otherwise.
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError(
      'it is neither a time span such as 10m nor a time such as 2026-01-31T12:00:00Z',
    );
  }
  return time;
}

/**
 * The number of an event which lies a little before the first that is not older than `since`:
 * found by looking at some, since all may be far too many to be read.
 */
export async function seqBefore(
  process: RemoteProcess,
  since: number,
  lastSeq: number,
): Promise<number> {
  let low = 0;
  let high = lastSeq;
  while (high - low > FEW_EVENTS) {
    const middle = Math.floor((low + high) / 2);
    const event = await firstAfter(process, middle);
    // A gap has the time at which it was told; what it stands for is older than what follows.
    if (event.kind === 'gap') low = Math.min(event.seq, high);
    else if (event.time.getTime() < since) low = middle;
    else high = middle;
  }
  return low;
}

async function firstAfter(process: RemoteProcess, after: number): Promise<ProcessEvent> {
  for await (const event of process.events({ after })) return event;
  throw new Error('the process has fewer events than it had');
}

/** Events that are not older than `since`, and gaps unless what follows them is older. */
export async function* eventsSince(
  events: AsyncIterable<ProcessEvent>,
  since: number,
): AsyncGenerator<ProcessEvent> {
  let gap: ProcessEvent | undefined;
  for await (const event of events) {
    if (event.kind === 'gap') {
      gap = event;
      continue;
    }
    const isNew = event.time.getTime() >= since;
    if (isNew && gap !== undefined) yield gap;
    gap = undefined;
    if (isNew) yield event;
  }
  if (gap !== undefined) yield gap;
}
