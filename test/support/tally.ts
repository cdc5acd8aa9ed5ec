import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { OutputStream, type ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';

/** Bytes of a stream, and where they are in it. */
export type OnOutput = (offset: number, data: Uint8Array) => void;

/** Adds up what a reader is given of a stream, and checks that nothing is left out in between. */
export class Tally {
  readonly #stream: OutputStream;
  readonly #onOutput: OnOutput;
  readonly #hash = createHash('sha256');
  #offset = 0n;
  received = 0n;
  missing = 0n;
  gaps = 0;
  /** What `closed` says. */
  total: bigint | undefined;

  constructor(stream = OutputStream.STDOUT, onOutput: OnOutput = () => {}) {
    this.#stream = stream;
    this.#onOutput = onOutput;
  }

  take(events: readonly ProcessEvent[]): void {
    for (const { event } of events) {
      if (event.case === 'output' && event.value.stream === this.#stream) {
        expect(event.value.offset).toBe(this.#offset);
        this.#onOutput(Number(this.#offset), event.value.data);
        const length = BigInt(event.value.data.byteLength);
        this.#offset += length;
        this.received += length;
        this.#hash.update(event.value.data);
      } else if (event.case === 'gap') {
        for (const range of event.value.ranges) {
          if (range.stream !== this.#stream) continue;
          expect(range.offset).toBe(this.#offset);
          this.gaps += 1;
          this.#offset += range.length;
          this.missing += range.length;
        }
      } else if (event.case === 'closed') {
        this.total = event.value.totals.find(({ stream }) => stream === this.#stream)?.bytes;
      }
    }
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}
