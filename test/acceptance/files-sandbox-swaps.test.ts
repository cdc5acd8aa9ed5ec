import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  everythingIn,
  type FilesOf,
  foldersIn,
  type Surroundings,
  surroundingsIn,
  swapForever,
} from '../support/escapes.ts';
import { readAll } from '../support/files.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { inSandbox, sandboxOf } from '../support/sandboxed-files.ts';
import { serve } from '../support/served.ts';
import { callBesideSwaps, SWAPPED_MS, swapped } from '../support/swapped-calls.ts';

/** How often it is tried whether a policy that lets the outside be seen does: it takes a few. */
const OPEN_CALLS = 100_000;

/** The calls of a session of a server's own, each in the sandbox of a policy for some folders. */
async function filesWithin(around: Surroundings, ...folders: readonly string[]) {
  const { address, child } = await serve();
  const { files, sessions } = connectClients(address);
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  const within = inSandbox(files, sandboxOf(...folders));
  await within.statFile({ sessionId, path: join(around.root, 'file') });
  return { files: within, sessionId, server: child.pid ?? 0 };
}

/** The processes that do the calls of policies, below one of a server. They come and go. */
function helpersBelow(pid: number): readonly number[] {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('sandboxed-file-agent')) {
      return [pid];
    }
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1');
      return children.split(' ').slice(0, -1).map(Number).flatMap(helpersBelow);
    });
  } catch {
    return [];
  }
}

/** Looks what a path is, again and again, until it is told to end. */
function lookAtAll({ files, sessionId }: Omit<FilesOf, 'pid' | 'secretFolders'>, path: string) {
  const kinds = new Set<number>();
  let over = false;
  const looking = (async () => {
    while (!over) {
      // Beside renames without end the kernel says at times that it cannot say.
      const found = await files.statFile({ sessionId, path, noFollow: true }).catch(() => {});
      if (found?.file !== undefined) kinds.add(found.file.kind);
    }
  })();
  return async () => {
    over = true;
    await looking;
    return kinds;
  };
}

it(
  'a folder that is swapped for a link all the time leads no call out of a policy',
  async () => {
    const around = surroundingsIn(await temporaryFolder());
    const { server, ...of } = await filesWithin(around, around.root);
    const outside = [around.outside, join(around.base, 'rooted')];
    const pid = (): readonly number[] => helpersBelow(server);
    expect(pid().length).toBeGreaterThan(0);
    const secretFolders = foldersIn(...outside);
    const before = everythingIn(...outside);
    const names = swapped(around);
    const end = await swapForever(names);
    const seen = lookAtAll(of, names[0]);
    const { done, refused } = await callBesideSwaps(
      { ...of, pid, secretFolders },
      names,
      around,
      () => true,
    );
    expect((await seen()).size).toBe(2);
    await end();
    expect(everythingIn(...outside)).toEqual(before);
    expect(lstatSync(around.outside).isDirectory()).toBe(true);
    expect([done > 0, refused > 0]).toEqual([true, true]);
  },
  SWAPPED_MS,
);

it('the same folder leads out where the policy lets the outside be seen', async () => {
  const around = surroundingsIn(await temporaryFolder());
  const { files, sessionId } = await filesWithin(around, around.root, around.outside);
  const secret = readFileSync(join(around.outside, 'secret'), 'latin1');
  const names = swapped(around);
  onTestFinished(await swapForever(names));
  const read = async (): Promise<string> => {
    const { content } = await readAll(
      files.readFile({ sessionId, path: join(names[0], 'secret') }),
    );
    return content.toString('latin1');
  };
  let calls = 1;
  while ((await read()) !== secret) expect(calls++).toBeLessThan(OPEN_CALLS);
});
