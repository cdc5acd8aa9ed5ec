import {
  type OutputGap,
  OutputStream,
  type ProcessClosed,
  type ProcessEvent,
  type ProcessExited,
} from '../gen/runlet/v1/event_pb.ts';
import { ConformanceError } from './assert.ts';

type Responses = AsyncIterable<{ readonly events: readonly ProcessEvent[] }>;

/** The kinds of events, as the protos name them. */
export type EventKind = ProcessEvent['event']['case'];

/** Reads a stream of responses event by event. */
export class EventReader {
  readonly #responses: AsyncIterator<{ readonly events: readonly ProcessEvent[] }>;
  #rest: ProcessEvent[] = [];

  constructor(responses: Responses) {
    this.#responses = responses[Symbol.asyncIterator]();
  }

  /** The next event; undefined once the stream ended with `OK`. */
  async next(): Promise<ProcessEvent | undefined> {
    for (;;) {
      const event = this.#rest.shift();
      if (event !== undefined) return event;
      const { done, value } = await this.#responses.next();
      if (done === true) return undefined;
      this.#rest = [...value.events];
    }
  }

  /** The next events up to the first for which it holds. */
  async until(isLast: (event: ProcessEvent) => boolean, what: string): Promise<ProcessEvent[]> {
    const events: ProcessEvent[] = [];
    for (;;) {
      const event = await this.next();
      if (event === undefined) {
        throw new ConformanceError(`the stream of events ended before ${what}`);
      }
      events.push(event);
      if (isLast(event)) return events;
    }
  }

  /** The next events up to the first of a kind. */
  untilKind(kind: EventKind): Promise<ProcessEvent[]> {
    return this.until(({ event }) => event.case === kind, `an event \`${kind}\` came`);
  }

  /** Reads on until standard output, together with what this call read, holds a text. */
  untilOutput(text: string, stream = OutputStream.STDOUT): Promise<ProcessEvent[]> {
    let seen = '';
    return this.until(
      (event) => {
        seen += textOf([event], stream);
        return seen.includes(text);
      },
      `the output held ${JSON.stringify(text)}`,
    );
  }

  /** All events that are left, to the end of the stream. */
  async rest(): Promise<ProcessEvent[]> {
    const events: ProcessEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) {
      events.push(event);
    }
    return events;
  }

  /** Ends the stream, as a client does that goes away. */
  async leave(): Promise<void> {
    await this.#responses.return?.();
  }
}

/** The bytes of one stream that the events hold, in their order. */
export function bytesOf(events: readonly ProcessEvent[], stream = OutputStream.STDOUT): Buffer {
  return Buffer.concat(
    events.flatMap(({ event }) =>
      event.case === 'output' && event.value.stream === stream ? [event.value.data] : [],
    ),
  );
}

/** The same as text. */
export function textOf(events: readonly ProcessEvent[], stream = OutputStream.STDOUT): string {
  return bytesOf(events, stream).toString();
}

/** The kind of each event, those that follow one another and are alike once. */
export function kindsOf(events: readonly ProcessEvent[]): EventKind[] {
  const kinds = events.map(({ event }) => event.case);
  return kinds.filter((kind, i) => kind !== kinds[i - 1]);
}

/** The event `exited`, of which there must be one. */
export function exitedOf(events: readonly ProcessEvent[]): ProcessExited {
  for (const { event } of events) if (event.case === 'exited') return event.value;
  throw new ConformanceError('there was no event `exited`');
}

/** The event `closed`, of which there must be one. */
export function closedOf(events: readonly ProcessEvent[]): ProcessClosed {
  for (const { event } of events) if (event.case === 'closed') return event.value;
  throw new ConformanceError('there was no event `closed`');
}

/** All gaps. */
export function gapsOf(events: readonly ProcessEvent[]): OutputGap[] {
  return events.flatMap(({ event }) => (event.case === 'gap' ? [event.value] : []));
}

/** How a process ended, in short: `code 7`, `signal 15`. */
export function statusOf({ status }: Pick<ProcessExited, 'status'>): string {
  return `${status?.status.case} ${status?.status.value}`;
}
