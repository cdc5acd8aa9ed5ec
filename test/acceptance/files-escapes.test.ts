import { existsSync, lstatSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import { Agent } from '../../src/files/agent/agent.ts';
import { Desk } from '../../src/files/agent/desk.ts';
import { loadNativeFiles, systemError } from '../../src/files/agent/native.ts';
import { Places } from '../../src/files/agent/places.ts';
import type { FileInfo } from '../../src/files/file-info.ts';
import { closeRoots, openRoots, type Root } from '../../src/files/roots.ts';
import {
  escapingPaths,
  everythingIn,
  type FilesOf,
  fillRoot,
  foldersIn,
  PlacesByName,
  type Surroundings,
  surroundingsIn,
  swapForever,
  TARGET_CALLS,
  tells,
} from '../support/escapes.ts';
import { failureOf } from '../support/failure.ts';
import { writeRequests } from '../support/files.ts';
import { folderInMemory } from '../support/folder-in-memory.ts';
import { connectClients, serveHere } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import {
  CALLS,
  callBesideSwaps,
  SWAPPED_CALLS,
  SWAPPED_MS,
  swapped,
} from '../support/swapped-calls.ts';

/** How often it is tried whether one that goes by names is led outside: it takes some hundreds. */
const MUTANT_CALLS = 1_000_000;

/** Those that change nothing, so that nothing has to be made anew for the next. */
const READS = /^(?:Stat|Read|List|Walk|Resolve|Watch)/;

/** A server that is confined to a folder, and what is around that. */
type Confined = FilesOf & { readonly around: Surroundings };

/** Starts one as a program of its own. */
async function serveConfined(): Promise<Confined> {
  const around = surroundingsIn(await folderInMemory());
  const { address, child } = await serve('--file-root', around.root);
  return confinedAt(address, child.pid ?? 0, around);
}

/** Starts one in this process: it takes a fraction of the time. */
async function serveConfinedHere(): Promise<Confined> {
  const around = surroundingsIn(await folderInMemory());
  const { address } = await serveHere({ fileRoots: [around.root] });
  return confinedAt(address, process.pid, around);
}

async function confinedAt(address: Address, pid: number, around: Surroundings): Promise<Confined> {
  const { files, sessions } = connectClients(address);
  const { session } = await sessions.createSession({});
  const secretFolders = foldersIn(around.outside, join(around.base, 'rooted'));
  return { files, sessionId: session?.sessionId ?? '', pid, secretFolders, around };
}

function outsideOf({ base, outside }: Surroundings): readonly string[] {
  return everythingIn(outside, join(base, 'rooted'));
}

describe('a server that is confined to a folder', () => {
  it.each(CALLS)('does nothing outside of it by %s', async (name, call) => {
    const { around, ...of } = await serveConfinedHere();
    const before = outsideOf(around);
    const spare = join(around.root, 'spare');
    for (const [way, path] of Object.entries(escapingPaths(around))) {
      if (!READS.test(name)) fillRoot(around);
      if (name in TARGET_CALLS) writeFileSync(spare, 'spare');
      const answer = await call(of, path, spare).catch((error: unknown) => String(error));
      expect([way, tells(answer), outsideOf(around)]).toEqual([way, false, before]);
      expect([way, existsSync(join(around.outside, 'new'))]).toEqual([way, false]);
    }
  });

  it('says why it does not', async () => {
    const { around, files, sessionId } = await serveConfinedHere();
    for (const path of [
      around.outside,
      join(around.root, 'absdir/secret'),
      join(around.root, 'rel'),
      `${around.root}/../outside`,
    ]) {
      const { summary } = await failureOf(files.statFile({ sessionId, path }));
      expect([path, summary]).toEqual([path, 'PERMISSION_DENIED/OUTSIDE_ROOT']);
    }
  });

  it('does not change a file through a name of it that is replaced or removed', async () => {
    const { around, files, sessionId } = await serveConfinedHere();
    const [path, secret] = [join(around.root, 'hard'), join(around.outside, 'secret')];
    const content = await readFile(secret, 'utf8');
    await files.writeFile(writeRequests({ sessionId, path }, Buffer.from('new')));
    expect([await readFile(path, 'utf8'), await readFile(secret, 'utf8')]).toEqual([
      'new',
      content,
    ]);
    fillRoot(around);
    await files.removeFile({ sessionId, path });
    expect(await readFile(secret, 'utf8')).toBe(content);
  });
});

describe('a folder that is swapped for a link all the time', () => {
  it(
    'leads no call outside',
    async () => {
      const { around, ...of } = await serveConfined();
      const before = outsideOf(around);
      const names = swapped(around);
      const end = await swapForever(names);
      const { done, refused } = await callBesideSwaps(of, names, around, (failure) =>
        failure.includes('leads out'),
      );
      await end();
      expect(outsideOf(around)).toEqual(before);
      expect(lstatSync(around.outside).isDirectory()).toBe(true);
      // Both were found: the folder and the link.
      expect([done > 0, refused > 0]).toEqual([true, true]);
    },
    SWAPPED_MS,
  );

  it.each([
    ['openat2', (roots: readonly Root[]) => new Places(roots)],
    ['descriptors', (roots: readonly Root[]) => new Places(roots, withoutOpenat2())],
  ] as const)('leads nothing outside by %s', async (_, placesOf) => {
    const around = surroundingsIn(await folderInMemory());
    const roots = openRoots([around.root]);
    onTestFinished(() => closeRoots(roots));
    const [folder, link] = swapped(around);
    const secret = lstatSync(join(around.outside, 'secret')).size;
    await swapForever([folder, link]);
    const sizes = sizesBy(new Agent({ roots }, placesOf(roots)), join(folder, 'secret'));
    let told = 0;
    for (let i = 0; i < SWAPPED_CALLS; i++) {
      const size = sizes();
      if (size === secret) throw new Error('it was led outside');
      if (size !== undefined) told += 1;
    }
    expect(told).toBeGreaterThan(0);
  });

  it('leads a server outside that looks first and goes by names then', async () => {
    const around = surroundingsIn(await folderInMemory());
    const [folder, link] = swapped(around);
    const secret = lstatSync(join(around.outside, 'secret')).size;
    await swapForever([folder, link]);
    const mutant = new Agent({ roots: [] }, new PlacesByName(around.root));
    const sizes = sizesBy(mutant, join(folder, 'secret'));
    let calls = 1;
    while (sizes() !== secret) expect(calls++).toBeLessThan(MUTANT_CALLS);
  });
});

/** Asks an agent for the size of a file, as the service does; undefined: it does not tell. */
function sizesBy(agent: Agent, path: string): () => number | undefined {
  const desk = new Desk(agent);
  let task = 0;
  return () => {
    const args = { path, follow: true };
    const answer = desk.answer({ kind: 'begin', task: ++task, operation: 'stat', args });
    return answer.kind === 'done' ? Number((answer.result as FileInfo).size) : undefined;
  };
}

function withoutOpenat2(): ReturnType<typeof loadNativeFiles> {
  const native = loadNativeFiles();
  if (native === undefined) return undefined;
  return {
    ...native,
    openBeneath: () => {
      throw systemError('openat2', 38);
    },
  };
}
