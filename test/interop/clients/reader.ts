import { createHash } from 'node:crypto';
import {
  type EndReason,
  EndReasonSchema,
  type ExitStatus,
  OutputStream,
  type ProcessEvent,
} from '../../../src/gen/runlet/v1/event_pb.ts';
import { SignalSchema } from '../../../src/gen/runlet/v1/signal_pb.ts';
import { nameOfValue } from './enum-names.ts';
import type { EndFacts, Note, ReaderFacts, StreamFacts } from './protocol.ts';

/** Output up to this size is reported itself, beside its hash. */
const SMALL_BYTES = 4096;

const KINDS = {
  started: 'started',
  output: 'output',
  gap: 'gap',
  stdinClosed: 'stdin_closed',
  resized: 'resized',
  exited: 'exited',
  closed: 'closed',
} as const;

/** Has had some of the events of a process, from one stream or several. */
export class Reader {
  lastSeq = 0n;
  #inOrder = true;
  #total = 0;
  readonly #kinds: string[] = [];
  readonly #streams = new Map<string, Output>();
  #exited: EndFacts | null = null;
  #closed: ReaderFacts['closed'] = null;

  /** Records events, and tells of those that are no output and of `notifyBytes`. */
  take(events: readonly ProcessEvent[], tell: (note: Note) => void, notifyBytes = 0): void {
    const before = this.#total;
    for (const event of events) {
      this.#record(event);
      const kind = event.event.case === undefined ? 'unknown' : KINDS[event.event.case];
      if (this.#kinds.at(-1) !== kind) this.#kinds.push(kind);
      if (kind !== 'output') tell({ kind });
    }
    if (before < notifyBytes && notifyBytes <= this.#total) tell({ bytes: this.#total });
  }

  facts(): ReaderFacts {
    return {
      kinds: [...this.#kinds],
      last_seq: Number(this.lastSeq),
      in_order: this.#inOrder,
      streams: Object.fromEntries([...this.#streams].map(([name, it]) => [name, it.facts()])),
      exited: this.#exited,
      closed: this.#closed,
    };
  }

  #record({ seq, event }: ProcessEvent): void {
    // A gap has the number of the last event that it stands for.
    const late = event.case === 'gap' && seq > this.lastSeq;
    this.#inOrder &&= seq === this.lastSeq + 1n || late;
    this.lastSeq = seq;
    if (event.case === 'output') {
      this.#total += event.value.data.length;
      this.#stream(event.value.stream).append(Number(event.value.offset), event.value.data);
    } else if (event.case === 'gap') {
      for (const { stream, offset, length } of event.value.ranges) {
        this.#stream(stream).skip(Number(offset), Number(length));
      }
    } else if (event.case === 'exited') {
      this.#exited = endOf(event.value.status, event.value.reason);
    } else if (event.case === 'closed') {
      const totals = event.value.totals.map((it) => [streamName(it.stream), Number(it.bytes)]);
      this.#closed = {
        output_complete: event.value.outputComplete,
        totals: Object.fromEntries(totals),
      };
    }
  }

  #stream(stream: OutputStream): Output {
    const name = streamName(stream);
    const known = this.#streams.get(name) ?? new Output();
    this.#streams.set(name, known);
    return known;
  }
}

/** What was had of one stream of output. */
class Output {
  #bytes = 0;
  #missing = 0;
  #exact = true;
  readonly #hash = createHash('sha256');
  readonly #small: Uint8Array[] = [];

  append(offset: number, data: Uint8Array): void {
    this.#exact &&= offset === this.#bytes + this.#missing;
    this.#bytes += data.length;
    this.#hash.update(data);
    if (this.#bytes <= SMALL_BYTES) this.#small.push(data);
  }

  skip(offset: number, length: number): void {
    this.#exact &&= offset === this.#bytes + this.#missing;
    this.#missing += length;
  }

  facts(): StreamFacts {
    const sha256 = this.#hash.copy().digest('hex');
    const facts = { bytes: this.#bytes, missing: this.#missing, exact: this.#exact, sha256 };
    if (this.#bytes > SMALL_BYTES) return facts;
    return { ...facts, data: Buffer.concat(this.#small).toString('base64') };
  }
}

/** How a process ended. */
export function endOf(status: ExitStatus | undefined, reason: EndReason): EndFacts {
  const why = nameOfValue(EndReasonSchema, reason);
  const how = status?.status;
  if (how?.case === 'code') return { code: how.value, reason: why };
  if (how?.case === 'signal') return { signal: nameOfValue(SignalSchema, how.value), reason: why };
  return { reason: why };
}

function streamName(stream: OutputStream): string {
  return OutputStream[stream].toLowerCase();
}
