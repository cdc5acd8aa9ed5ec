import type { OutputStreamName, ProcessEvent } from '../client/index.ts';

const NEWLINE = 0x0a;

/** Unfinished lines and finished ones that end with the streams: one of each stream. */
const STREAMS = 3;

/**
 * The latest lines of output: takes events and keeps those that have them. Lines of all streams
 * count together, one that is not ended as well; what was lost before them is no part of them.
 */
export class LogTail {
  readonly #lines: number;
  #events: ProcessEvent[] = [];
  #first = 0;
  /** Ends of lines in what is kept. */
  #ends = 0;

  constructor(lines: number) {
    this.#lines = lines;
  }

  /** Takes the next event. */
  add(event: ProcessEvent): void {
    this.#events.push(event);
    this.#ends += endsIn(event);
    for (;;) {
      const first = this.#events[this.#first];
      if (first === undefined || first === event) return;
      const ends = this.#ends - endsIn(first);
      if (ends < this.#lines + STREAMS) return;
      this.#ends = ends;
      this.#first += 1;
      // Not one by one, each of which would move all others.
      if (this.#first * 2 > this.#events.length) {
        this.#events = this.#events.slice(this.#first);
        this.#first = 0;
      }
    }
  }

  /** Whether there are as many lines as are wanted. */
  get isFull(): boolean {
    return this.#ends >= this.#lines + STREAMS;
  }

  /** The events that have the lines, the first of them cut at the beginning of its line. */
  take(): readonly ProcessEvent[] {
    const events = this.#events.slice(this.#first);
    if (this.#lines === 0) return events.filter(({ kind }) => kind !== 'output' && kind !== 'gap');
    const begun = new Set<OutputStreamName>();
    let lines = 0;
    for (let at = events.length - 1; at >= 0; at--) {
      const event = events[at];
      if (event?.kind !== 'output') continue;
      const { data, stream } = event;
      for (let from = data.length - 1; from >= 0; from--) {
        if (begun.has(stream) && data[from] !== NEWLINE) continue;
        begun.add(stream);
        lines += 1;
        if (lines <= this.#lines) continue;
        const rest = { ...event, offset: event.offset + from + 1, data: data.subarray(from + 1) };
        return rest.data.length === 0 ? events.slice(at + 1) : [rest, ...events.slice(at + 1)];
      }
    }
    return events;
  }
}

function endsIn(event: ProcessEvent): number {
  if (event.kind !== 'output') return 0;
  let ends = 0;
  for (let at = event.data.indexOf(NEWLINE); at !== -1; at = event.data.indexOf(NEWLINE, at + 1)) {
    ends += 1;
  }
  return ends;
}
