import { describe, expect, it, onTestFinished } from 'vitest';
import {
  MAX_MEMORY_COLLECT_MS,
  MEMORY_COLLECT_MS,
  MEMORY_LOOK_MS,
  STATE_LOOK_MS,
  STATE_WRITE_MS,
} from '../../src/limits.ts';
import {
  type LookAfterOptions,
  lookAfterReadiness,
} from '../../src/server/look-after-readiness.ts';
import { ownMemory } from '../../src/server/own-memory.ts';
import { Readiness } from '../../src/server/readiness.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { settle } from '../support/settle.ts';

/** Looks after what the test says, with a clock that stands still. */
function looking(options: Partial<LookAfterOptions>) {
  const clock = new FakeClock();
  const readiness = new Readiness();
  const reasons = (): readonly string[] => readiness.current.reasons;
  const lookedAfter = lookAfterReadiness({
    readiness,
    clock,
    highWater: {},
    stateFolder: undefined,
    ...options,
  });
  const end = (): void => lookedAfter.close();
  onTestFinished(end);
  return { clock, end, readiness, reasons };
}

/** Writes that end when the test says how. */
function heldWrites() {
  const writes: { readonly folder: string; readonly end: (error?: Error) => void }[] = [];
  const writeProbe = (folder: string): Promise<void> =>
    new Promise((resolve, reject) => {
      writes.push({ folder, end: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  /** Ends the latest. */
  const end = async (error?: Error): Promise<void> => {
    writes.at(-1)?.end(error);
    await settle();
  };
  return { writeProbe, end, writes };
}

describe('the folder for state', () => {
  it('is written to now and then, one at a time, and not at the start', async () => {
    const { end, writeProbe, writes } = heldWrites();
    const { clock } = looking({ stateFolder: '/state', writeProbe });
    clock.advance(STATE_LOOK_MS - 1);
    expect(writes).toEqual([]);
    clock.advance(1);
    expect(writes.map(({ folder }) => folder)).toEqual(['/state']);
    clock.advance(100 * STATE_LOOK_MS);
    expect(writes.length).toBe(1);
    await end();
    clock.advance(STATE_LOOK_MS);
    expect(writes.length).toBe(2);
  });

  it('is a reason while it cannot be written', async () => {
    const { end, writeProbe } = heldWrites();
    const { clock, reasons } = looking({ stateFolder: '/state', writeProbe });
    clock.advance(STATE_LOOK_MS);
    await end(new Error('read-only'));
    expect(reasons()).toEqual(['state-folder']);
    clock.advance(STATE_LOOK_MS);
    expect(reasons()).toEqual(['state-folder']);
    await end();
    expect(reasons()).toEqual([]);
  });

  it('is a reason while a write hangs', async () => {
    const { end, writeProbe, writes } = heldWrites();
    const { clock, reasons } = looking({ stateFolder: '/state', writeProbe });
    clock.advance(STATE_LOOK_MS + STATE_WRITE_MS - 1);
    expect(reasons()).toEqual([]);
    clock.advance(1);
    expect(reasons()).toEqual(['state-folder']);
    clock.advance(100 * STATE_WRITE_MS);
    expect(writes.length).toBe(1);
    await end();
    expect(reasons()).toEqual([]);
    clock.advance(STATE_LOOK_MS + STATE_WRITE_MS);
    await end(new Error('it is gone'));
    expect(reasons()).toEqual(['state-folder']);
  });

  it('ends what failed writes of output have said', async () => {
    const { end, writeProbe } = heldWrites();
    const { clock, readiness, reasons } = looking({ stateFolder: '/state', writeProbe });
    readiness.set('output-files', true);
    clock.advance(STATE_LOOK_MS);
    await end(new Error('full'));
    expect(reasons()).toEqual(['output-files', 'state-folder']);
    clock.advance(STATE_LOOK_MS);
    await end();
    expect(reasons()).toEqual([]);
  });

  it('is left alone from the end on, though a write is under way', async () => {
    const { end: endWrite, writeProbe } = heldWrites();
    const { clock, end, reasons } = looking({ stateFolder: '/state', writeProbe });
    clock.advance(STATE_LOOK_MS);
    end();
    await endWrite(new Error('gone'));
    clock.advance(100 * STATE_LOOK_MS);
    expect([clock.pending, reasons()]).toEqual([0, []]);
  });
});

/** Memory as the test says it is. */
function heldMemory(clock: () => FakeClock, collectionMs = 0) {
  let resident = 0;
  let collections = 0;
  let trims = 0;
  return {
    memory: {
      resident: () => resident,
      collect: () => {
        collections += 1;
        clock().skip(collectionMs);
      },
      trim: () => {
        trims += 1;
      },
    },
    trims: () => trims,
    hold: (bytes: number): void => {
      resident = bytes;
    },
    collections: () => collections,
  };
}

describe('the memory of the server', () => {
  /** Looks at memory whose mark is 100 bytes. */
  function lookingAtMemory(collectionMs = 0) {
    let clock = new FakeClock();
    const held = heldMemory(() => clock, collectionMs);
    const found = looking({ highWater: { memoryBytes: 100 }, memory: held.memory });
    clock = found.clock;
    return { ...found, ...held };
  }

  it('is a reason from its mark on, until a tenth less is there', () => {
    const { clock, hold, reasons } = lookingAtMemory();
    const seen = [99, 100, 91, 90, 99].map((bytes) => {
      hold(bytes);
      clock.advance(MEMORY_LOOK_MS);
      return reasons().length;
    });
    expect(seen).toEqual([0, 1, 1, 0, 0]);
  });

  it('is collected at once where it is a reason, and not otherwise', () => {
    const { clock, collections, hold, reasons, trims } = lookingAtMemory();
    hold(99);
    clock.advance(MAX_MEMORY_COLLECT_MS);
    expect(collections()).toBe(0);
    hold(100);
    clock.advance(MEMORY_LOOK_MS);
    expect([collections(), trims(), reasons()]).toEqual([1, 0, ['memory']]);
    hold(90);
    clock.advance(MEMORY_LOOK_MS);
    expect([trims(), reasons()]).toEqual([1, []]);
    clock.advance(MAX_MEMORY_COLLECT_MS);
    expect([collections(), trims()]).toEqual([1, 1]);
  });

  it('is collected more and more seldom where that does not help', () => {
    const { clock, collections, hold } = lookingAtMemory();
    hold(100);
    clock.advance(MEMORY_LOOK_MS);
    for (const [after, count] of [
      [MEMORY_COLLECT_MS, 2],
      [MEMORY_COLLECT_MS, 2],
      [MEMORY_COLLECT_MS, 3],
      [3 * MEMORY_COLLECT_MS, 3],
      [MEMORY_COLLECT_MS, 4],
    ] as const) {
      clock.advance(after);
      expect(collections()).toBe(count);
    }
    // After 80 and 160 seconds, and from then on after as many as it is at most.
    clock.advance(10 * MAX_MEMORY_COLLECT_MS);
    expect(collections()).toBe(4 + 2 + 9);
  });

  it('is collected for a hundredth of the time at most', () => {
    const { clock, collections, hold } = lookingAtMemory(1_000);
    hold(100);
    clock.advance(MEMORY_LOOK_MS);
    clock.advance(99_000);
    expect(collections()).toBe(1);
    clock.advance(3_000);
    expect(collections()).toBe(2);
  });

  it('is, in the real, what can be given back', async () => {
    const memory = ownMemory();
    let held: readonly Buffer[] = Array.from({ length: 640 }, () => Buffer.alloc(1e5, 1));
    const full = memory.resident();
    expect(held.length).toBe(640);
    held = [];
    await expect
      .poll(() => {
        memory.collect();
        memory.trim();
        return full - memory.resident();
      })
      .toBeGreaterThan(32 << 20);
  });
});
