import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../src/files/watch/watch-message.ts';
import { changesBelow, operate } from '../support/changes-below.ts';
import { temporaryFolder } from '../support/harness.ts';
import { KnownPaths } from '../support/known-paths.ts';
import { type WatchedHere, watchHere } from '../support/watched-here.ts';

/** Of one event whose name is short, and of two. */
const ONE_BYTES = 32;
const FEW_BYTES = 2 * ONE_BYTES;

/** Somebody who follows a folder that is watched. */
class Follower {
  readonly here: WatchedHere;
  readonly #folder: string;
  known = new KnownPaths();
  readonly told: Change['kind'][] = [];
  isStarted = false;
  overflows = 0;
  /** After which overflow the folder was read. */
  #readAfter = 0;
  #marks = 0;

  constructor(folder: string, beside?: () => void) {
    this.#folder = folder;
    this.here = watchHere(folder, beside);
    void this.#follow();
  }

  /** Whether what was known is not true any more. */
  get isBehind(): boolean {
    return this.overflows > this.#readAfter;
  }

  async start(): Promise<void> {
    while (!this.isStarted) {
      this.here.step();
      await setImmediate();
    }
    await this.#readFolder();
  }

  /**
   * Waits until all is told that was done: until a file is told that is made now. After an overflow
   * the folder is read then. Nothing else may be done meanwhile.
   */
  async catchUp(): Promise<void> {
    let overflows: number;
    do {
      overflows = this.overflows;
      await this.#untilTold(`mark-${++this.#marks}`);
    } while (this.overflows > overflows);
    if (this.isBehind) await this.#readFolder();
    this.#readAfter = overflows;
  }

  async expectToKnow(): Promise<void> {
    const there = await readdir(this.#folder, { recursive: true });
    expect(this.known.all()).toEqual(there.sort());
  }

  /** Unless there is an overflow before. */
  async #untilTold(name: string): Promise<void> {
    const { overflows } = this;
    writeFileSync(join(this.#folder, name), '');
    while (!this.known.has(name) && this.overflows === overflows) {
      this.here.read();
      this.here.step();
      await setImmediate();
    }
  }

  async #readFolder(): Promise<void> {
    this.known = new KnownPaths(await readdir(this.#folder, { recursive: true }));
  }

  async #follow(): Promise<void> {
    for await (const message of this.here.messages) {
      if (message.kind === 'started') this.isStarted = true;
      if (message.kind === 'overflow') this.overflows += 1;
      if (message.kind === 'changes') for (const change of message.changes) this.#apply(change);
    }
  }

  #apply({ from = '', kind, path }: Change): void {
    this.told.push(kind);
    const below = (one: string): string => one.slice(this.#folder.length + 1);
    if (kind === 'created') this.known.created(below(path));
    if (kind === 'removed') this.known.removed(below(path));
    if (kind === 'moved') this.known.moved(below(from), below(path));
  }
}

async function follow(prepare: (folder: string) => void = () => {}) {
  const folder = await temporaryFolder();
  prepare(folder);
  const follower = new Follower(folder);
  await follower.start();
  return { follower, here: follower.here, at: (path: string) => join(folder, path) };
}

describe('a watch that has read half of a move', () => {
  it('takes the other half that has come by the time that it is given up', async () => {
    const { at, follower, here } = await follow((folder) => writeFileSync(join(folder, 'a'), ''));
    renameSync(at('a'), at('b'));
    here.read(ONE_BYTES);
    await setImmediate();
    here.pass();
    // In the same turn of the event loop, as it is where the thread was held up.
    here.read();
    await follower.catchUp();
    expect(follower.told).toEqual(['moved', 'created']);
  });

  it('takes it for removed when the other half does not come', async () => {
    const { at, follower, here } = await follow((folder) => writeFileSync(join(folder, 'a'), ''));
    renameSync(at('a'), at('b'));
    here.read(ONE_BYTES);
    await setImmediate();
    here.pass();
    await setImmediate();
    await follower.catchUp();
    expect(follower.told).toEqual(['removed', 'created', 'created']);
    await follower.expectToKnow();
  });
});

describe('a watch whose looks are ahead of its events', () => {
  it('takes back what was in a folder that is told to have come', async () => {
    const outside = await temporaryFolder();
    const { at, follower, here } = await follow();
    mkdirSync(at('new'));
    here.read();
    // It is watched.
    await here.look();
    mkdirSync(join(outside, 'from'));
    writeFileSync(join(outside, 'from', 'file'), '');
    renameSync(join(outside, 'from'), at('new/come'));
    // What is in it is read, what came is watched, and what is in that is read.
    await here.look();
    await here.look();
    await here.look();
    rmSync(at('new/come/file'));
    await follower.catchUp();
    await follower.expectToKnow();
    expect(follower.overflows).toBe(0);
  });

  it('does not take a folder for one whose path it has by then', async () => {
    const { at, follower, here } = await follow((folder) => mkdirSync(join(folder, 'parent')));
    mkdirSync(at('parent/child'));
    here.read();
    renameSync(at('parent'), at('moved'));
    mkdirSync(at('parent/child'), { recursive: true });
    writeFileSync(at('parent/child/file'), '');
    await here.look();
    await follower.catchUp();
    await follower.expectToKnow();
    expect(follower.overflows).toBe(0);
  });

  it('does not take a later move of another folder for that of the one before', async () => {
    const outside = await temporaryFolder();
    const { at, follower, here } = await follow();
    mkdirSync(at('name'));
    writeFileSync(at('name/of-first'), '');
    renameSync(at('name'), at('first'));
    mkdirSync(at('name'));
    writeFileSync(at('name/of-second'), '');
    here.read();
    // The second is watched and read when it is told that the first was made.
    await here.look();
    await here.look();
    renameSync(at('name'), join(outside, 'second'));
    await follower.catchUp();
    await follower.expectToKnow();
  });
});

describe('a watch', () => {
  it('tells all that leads to what is there, whenever folders are looked at', async () => {
    let overflows = 0;
    const runs = 60;
    await fc.assert(
      fc.asyncProperty(
        fc.array(changesBelow, { minLength: 60, maxLength: 60 }),
        fc.infiniteStream(fc.nat({ max: 99 })),
        fc.constantFrom(10, 30, 60, 85),
        async (changes, chances, busy) => {
          const folder = await temporaryFolder();
          const left = [...changes];
          const chance = (percent: number): boolean => chances.next().value < percent;
          const beside = (): void => {
            while (follower.isStarted && !follower.isBehind && chance(busy)) {
              operate(folder, left.shift());
            }
            if (chance(30)) follower.here.read(FEW_BYTES);
          };
          const follower = new Follower(folder, beside);
          await follower.start();
          while (left.length > 0) {
            if (follower.isBehind) await follower.catchUp();
            if (chance(busy)) operate(folder, left.shift());
            if (chance(50)) follower.here.read(chance(50) ? FEW_BYTES : undefined);
            if (chance(50)) follower.here.step();
            if (chance(10)) follower.here.pass();
            await setImmediate();
          }
          await follower.catchUp();
          await follower.expectToKnow();
          overflows += follower.overflows;
        },
      ),
      { numRuns: runs, endOnFailure: true },
    );
    // Which is the way out where events do not fit together, and not the rule.
    expect(overflows).toBeLessThan(runs);
  });
});
