import { writeFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeKind, type FileChange } from '../../src/gen/runlet/v1/file_pb.ts';
import { type ChangeBelow, changesBelow, operate } from '../support/changes-below.ts';
import { type Harness, startHarness, temporaryFolder } from '../support/harness.ts';
import { KnownPaths } from '../support/known-paths.ts';

/** Holds up whoever waits for its end. */
class Pause {
  #over = Promise.resolve();
  #end: (() => void) | undefined;

  begin(): void {
    if (this.#end !== undefined) return;
    this.#over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  end(): void {
    this.#end?.();
    this.#end = undefined;
  }

  over(): Promise<void> {
    return this.#over;
  }
}

function apply({ fromPath, kind, path }: FileChange, known: KnownPaths): void {
  if (kind === ChangeKind.CREATED) known.created(path);
  if (kind === ChangeKind.REMOVED) known.removed(path);
  if (kind === ChangeKind.MOVED) known.moved(fromPath, path);
}

async function walk({ files, sessionId }: Harness, folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const message of files.walkDirectory({ sessionId, path: folder })) {
    paths.push(...message.files.map((file) => file.path));
  }
  return paths;
}

/** What is there. */
async function tree(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true });
  return found.map((name) => join(folder, name)).sort();
}

/**
 * Does operations in a folder and follows it meanwhile, until a file is told that is made last.
 * After an overflow it waits until all that was done before is told, and reads the folder while
 * nothing is done: a listing that is ahead of what is told shows folders that are told to move where
 * they are then, and what is below them would be taken for what they replace.
 */
async function follow(harness: Harness, bursts: readonly (readonly ChangeBelow[])[]) {
  const folder = await temporaryFolder();
  const { files, sessionId } = harness;
  const stop = new AbortController();
  let known = new KnownPaths();
  const pause = new Pause();
  const request = { sessionId, path: folder, recursive: true };
  const end = join(folder, 'end');
  let overflows = 0;
  let mark: string | undefined;
  let done: Promise<void> | undefined;
  try {
    for await (const { response } of files.watchDirectory(request, { signal: stop.signal })) {
      if (response.case === 'started') done = operateAll(folder, bursts, pause);
      if (response.case === 'overflow') {
        overflows += 1;
        pause.begin();
        mark = join(folder, `mark-${overflows}`);
        await writeFile(mark, '');
      }
      if (response.case !== 'changes') continue;
      for (const change of response.value.changes) apply(change, known);
      if (mark !== undefined && known.has(mark)) {
        mark = undefined;
        known = new KnownPaths(await walk(harness, folder));
        pause.end();
      }
      if (mark === undefined && known.has(end)) {
        expect(known.all()).toEqual(await tree(folder));
        return overflows;
      }
    }
    throw new Error('the stream is over');
  } finally {
    pause.end();
    await done;
    stop.abort();
  }
}

/** Does operations, so many at a time, and makes a file last. */
async function operateAll(
  folder: string,
  bursts: readonly (readonly ChangeBelow[])[],
  pause: Pause,
): Promise<void> {
  for (const burst of bursts) {
    await pause.over();
    for (const todo of burst) operate(folder, todo);
    await setImmediate();
  }
  await pause.over();
  writeFileSync(join(folder, 'end'), '');
}

/** So many operations at a time, before the server can look at what they did. */
function bursts(most: number): fc.Arbitrary<ChangeBelow[][]> {
  const burst = fc.array(changesBelow, { minLength: most, maxLength: most });
  return fc.array(burst, { minLength: Math.ceil(200 / most), maxLength: Math.ceil(200 / most) });
}

describe('a watch', () => {
  it.each([1, 4, 100])(
    'tells all that leads to what is there, %i changes at a time',
    async (most) => {
      const harness = await startHarness();
      let overflows = 0;
      const runs = 60;
      await fc.assert(
        fc.asyncProperty(bursts(most), async (operations) => {
          overflows += await follow(harness, operations);
        }),
        { numRuns: runs, endOnFailure: true },
      );
      // Which is the way out where events do not fit together, and not the rule.
      expect(overflows).toBeLessThan(runs);
    },
  );
});
