import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Agent } from '../../src/files/agent/agent.ts';
import { loadNativeFiles, systemError } from '../../src/files/agent/native.ts';
import { Places } from '../../src/files/agent/places.ts';
import { remove } from '../../src/files/agent/remove.ts';
import { FileFault } from '../../src/files/file-fault.ts';
import { closeRoots, openRoots } from '../../src/files/roots.ts';
import { everythingIn, type Swapped, surroundingsIn, swapForever } from '../support/escapes.ts';
import { failureOf } from '../support/failure.ts';
import { folderInMemory } from '../support/folder-in-memory.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { serve } from '../support/served.ts';

/** Trees that are removed while a folder in them is swapped for a link. */
const TRIES = 5_000;

/** Trees that are removed at one time: none waits for the others' answers. */
const AT_ONCE = 4;

/** How often one that goes by names may be lucky. */
const MUTANT_TRIES = 200_000;

/** What may come of it: all is gone, or the loop has put something where it was to be gone. */
const OUTCOMES = new Set([
  'FAILED_PRECONDITION/DIRECTORY_NOT_EMPTY',
  'FAILED_PRECONDITION/IS_A_DIRECTORY',
  'FAILED_PRECONDITION/NOT_A_DIRECTORY',
  'FAILED_PRECONDITION/FILE_BUSY',
]);

/** A tree of which a folder is swapped for a link to what is outside, until the test is over. */
interface SwappedTree {
  readonly tree: string;
  /** What is swapped. */
  readonly pair: Swapped;
  /** Makes it anew, by renames alone: nothing of ours may be led outside either. */
  again(): void;
}

/** What such trees are in, and are led to. */
interface SwappedTrees {
  readonly root: string;
  readonly outside: string;
  readonly trees: readonly SwappedTree[];
}

/** Makes some, which are all swapped by one program: two processors are not enough for more. */
async function swappedTrees(count: number): Promise<SwappedTrees> {
  const { base, outside, root } = surroundingsIn(await folderInMemory());
  const trees = Array.from({ length: count }, (_, number) => {
    const folder = join(root, `${number}`);
    const aside = join(base, `aside-${number}`);
    mkdirSync(folder);
    mkdirSync(aside);
    return swappedTree(folder, outside, aside);
  });
  await swapForever(...trees.map(({ pair }) => pair));
  return { root, outside, trees };
}

function swappedTree(folder: string, outside: string, aside: string): SwappedTree {
  const [tree, link] = [join(folder, 'swap'), join(folder, 'link')];
  let count = 0;
  const putAside = (path: string): void => {
    count += 1;
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
      renameSync(path, join(aside, `${count}`));
    }
  };
  const again = (): void => {
    // Without the tree nothing is swapped.
    putAside(tree);
    putAside(link);
    const fresh = join(aside, `fresh-${count}`);
    mkdirSync(join(fresh, 'folder/sub/deep'), { recursive: true });
    writeFileSync(join(fresh, 'folder/secret'), '');
    writeFileSync(join(fresh, 'folder/sub/secret'), '');
    symlinkSync(outside, link);
    renameSync(fresh, tree);
  };
  again();
  return { tree, pair: [join(tree, 'folder'), link], again };
}

describe('a folder that is swapped for a link while it is removed', () => {
  it(`leads to nothing that is removed outside, in ${TRIES} tries`, async () => {
    const { outside, root, trees } = await swappedTrees(AT_ONCE);
    const before = everythingIn(outside);
    const served = await serve('--file-root', root);
    const { files, sessions } = connectClients(served.address);
    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    let begun = 0;
    let removed = 0;
    const removing = trees.map(async ({ again, tree }) => {
      while (begun++ < TRIES) {
        again();
        const request = { sessionId, path: tree, recursive: true, missingOk: true };
        const call = files.removeFile(request);
        const summary = await call.then(
          () => 'OK',
          async () => (await failureOf(call)).summary,
        );
        if (summary === 'OK') removed += 1;
        else expect(OUTCOMES).toContain(summary);
        if (summary === 'OK') expect(existsSync(tree)).toBe(false);
      }
    });
    await Promise.all(removing);
    expect(everythingIn(outside)).toEqual(before);
    expect(removed).toBeGreaterThan(0);
  });

  it('leads to nothing outside where there is no openat2(2)', async () => {
    const { outside, root, trees } = await swappedTrees(1);
    const before = everythingIn(outside);
    const roots = openRoots([root]);
    onTestFinished(() => closeRoots(roots));
    const native = loadNativeFiles();
    const openBeneath = (): never => {
      throw systemError('openat2', 38);
    };
    const places = new Places(roots, native === undefined ? native : { ...native, openBeneath });
    expect(places.confinement).toBe('descriptors');
    const agent = new Agent({ roots }, places);
    let removed = 0;
    for (const { again, tree } of trees) {
      for (let i = 0; i < TRIES; i++) {
        again();
        try {
          const steps = remove(agent, { path: tree, recursive: true, missingOk: true });
          while (!steps.next().done);
          removed += 1;
        } catch (error) {
          const isTyped = error instanceof FileFault || 'code' in (error as Error);
          if (!isTyped) throw error;
        }
      }
    }
    expect(everythingIn(outside)).toEqual(before);
    expect(removed).toBeGreaterThan(0);
  });

  it('leads outside who goes by names', async () => {
    const { outside, trees } = await swappedTrees(1);
    const before = readdirSync(outside).length;
    for (let tries = 1; readdirSync(outside).length === before; tries++) {
      expect(tries).toBeLessThan(MUTANT_TRIES);
      for (const { again, tree } of trees) {
        again();
        try {
          removeByName(tree);
        } catch {
          // The loop was quicker.
        }
      }
    }
  });
});

/** What many a program does. */
function removeByName(path: string): void {
  if (!lstatSync(path).isDirectory()) {
    unlinkSync(path);
    return;
  }
  for (const name of readdirSync(path)) removeByName(join(path, name));
  rmdirSync(path);
}

describe('a server that removes files', () => {
  it('removes neither the top of the system nor a root', async () => {
    const { root } = surroundingsIn(await temporaryFolder());
    const inner = join(root, 'folder');
    // Empty ones that are none would be removed.
    const mounted = ['/proc', '/dev', '/sys'].filter(
      (path) => existsSync(path) && statSync(path).dev !== statSync('/').dev,
    );
    expect(mounted).toContain('/proc');
    const confined = await serve('--file-root', root, '--file-root', inner);
    const open = await serve();
    for (const [served, paths] of [
      [confined, [root, inner, `${root}/folder/deep/..`, `${root}/./`, `${root}/tree/../folder`]],
      [open, ['/', '/./', `${root}/../../../../../../..`, ...mounted]],
    ] as const) {
      const { files, sessions } = connectClients(served.address);
      const { session } = await sessions.createSession({});
      for (const path of paths) {
        const request = { sessionId: session?.sessionId ?? '', path };
        const { summary } = await failureOf(files.removeFile(request));
        expect([path, summary]).toEqual([path, 'FAILED_PRECONDITION/FILE_BUSY']);
      }
    }
    expect(statSync(join(inner, 'deep')).isDirectory()).toBe(true);
  });
});
