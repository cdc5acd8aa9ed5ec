import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heldPipe, never } from './held-pipe.ts';

/** What stdin shall be; no byte is like its neighbors, so none can be mistaken for another. */
const INTENDED = Array.from({ length: 40 }, (_, i) => String.fromCharCode(48 + i)).join('');

const positioned = fc.record({
  kind: fc.constant('write' as const),
  offset: fc.nat(INTENDED.length),
  length: fc.nat(12),
  cancellable: fc.boolean(),
});
const release = fc.record({ kind: fc.constant('release' as const) });
const abort = fc.record({ kind: fc.constant('abort' as const) });

describe('writes with offsets', () => {
  it('give exactly the intended bytes, however they overlap, are retried or given up', async () => {
    const steps = fc.array(fc.oneof({ weight: 3, arbitrary: positioned }, release, abort), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const pipe = heldPipe();
        const abortable: AbortController[] = [];
        const writes = [];
        for (const step of script) {
          if (step.kind === 'release') pipe.release();
          else if (step.kind === 'abort') abortable.shift()?.abort('given up');
          else {
            const { cancellable, length, offset } = step;
            const controller = new AbortController();
            if (cancellable) abortable.push(controller);
            const data = INTENDED.slice(offset, offset + length);
            const { settled } = pipe.write(data, { offset }, controller.signal);
            writes.push({ settled, cancellable, offset, end: offset + data.length });
          }
        }
        const last = pipe.write(INTENDED, { offset: 0, eof: true });
        while (pipe.release());
        expect(await last.settled).toBe(INTENDED.length);
        expect(pipe.received()).toBe(INTENDED);
        for (const { settled, ...write } of writes) {
          const outcome = await settled;
          if (outcome === 'given up') expect(write.cancellable).toBe(true);
          else if (outcome === 'STDIN_OFFSET_GAP') expect(write.offset).toBeGreaterThan(0);
          else expect(outcome).toBeGreaterThanOrEqual(write.end);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are done once each if every writer retries until it is accepted', async () => {
    const size = 5;
    const order = fc.array(fc.nat(INTENDED.length / size - 1), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(order, async (pieces) => {
        const pipe = heldPipe();
        let next = 0;
        for (const piece of pieces) {
          const offset = piece * size;
          const write = pipe.write(INTENDED.slice(offset, offset + size), { offset });
          pipe.release();
          const outcome = await write.settled;
          if (piece === next) next += 1;
          expect(outcome).toBe(piece > next ? 'STDIN_OFFSET_GAP' : next * size);
        }
        expect(pipe.received()).toBe(INTENDED.slice(0, next * size));
      }),
    );
  });
});

describe('writes without offsets', () => {
  it('land whole and in their order, but for those that were withdrawn', async () => {
    const write = fc.record({
      kind: fc.constant('write' as const),
      length: fc.integer({ min: 1, max: 6 }),
      cancellable: fc.boolean(),
    });
    const steps = fc.array(fc.oneof({ weight: 3, arbitrary: write }, release, abort), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const pipe = heldPipe();
        const abortable: AbortController[] = [];
        const writes: { data: string; settled: Promise<unknown> }[] = [];
        for (const step of script) {
          if (step.kind === 'release') pipe.release();
          else if (step.kind === 'abort') abortable.shift()?.abort('given up');
          else {
            const controller = new AbortController();
            if (step.cancellable) abortable.push(controller);
            const data = String.fromCharCode(65 + writes.length).repeat(step.length);
            const { settled } = pipe.write(data, {}, step.cancellable ? controller.signal : never);
            writes.push({ data, settled });
          }
        }
        while (pipe.release());
        let expected = '';
        for (const { data, settled } of writes) {
          const outcome = await settled;
          if (outcome === 'given up') continue;
          expected += data;
          expect(outcome).toBe(expected.length);
        }
        expect(pipe.received()).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });
});
