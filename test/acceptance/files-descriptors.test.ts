import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ServiceClient } from '../../src/bridge/types.ts';
import type { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { failureOf } from '../support/failure.ts';
import { readAll, writeRequests } from '../support/files.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { HAS_PRLIMIT, limitThatLeaves, lowerLimit } from '../support/rlimits.ts';
import { serve } from '../support/served.ts';
import { archiveOf } from '../support/tar.ts';
import { treeRequests } from '../support/trees.ts';

interface Target {
  readonly files: ServiceClient<typeof FileService>;
  readonly sessionId: string;
  readonly folder: string;
}

type Act = (target: Target) => Promise<unknown>;

const NEW = Buffer.from('new content');
const ARCHIVE = archiveOf({ name: 'a/one', content: 'x' }, { name: 'a/b/two', content: 'y' });

const ACTS: readonly (readonly [string, Act, left: readonly string[]])[] = [
  [
    'a file that is replaced',
    ({ files, folder, sessionId }) =>
      files.writeFile(writeRequests({ sessionId, path: join(folder, 'file') }, NEW)),
    ['file', 'tree'],
  ],
  [
    'a folder that is copied',
    ({ files, folder, sessionId }) =>
      files.copyFile({
        ...{ sessionId, path: join(folder, 'tree'), targetPath: join(folder, 'copy') },
        recursive: true,
      }),
    ['copy', 'file', 'tree'],
  ],
  [
    'an archive that is unpacked',
    ({ files, folder, sessionId }) =>
      files.writeTree(treeRequests({ sessionId, path: join(folder, 'new') }, ARCHIVE)),
    ['file', 'new', 'tree'],
  ],
  [
    'a folder that is removed',
    ({ files, folder, sessionId }) =>
      files.removeFile({ sessionId, path: join(folder, 'tree'), recursive: true }),
    ['file'],
  ],
  [
    'a file that is read',
    ({ files, folder, sessionId }) =>
      readAll(files.readFile({ sessionId, path: join(folder, 'file') })),
    ['file', 'tree'],
  ],
];

describe.skipIf(!HAS_PRLIMIT)('a server that has few descriptors left (needs prlimit)', () => {
  it.each(ACTS)('says so of %s, wherever it runs out', async (_what, act, left) => {
    const served = await serve();
    const { pid } = served.child;
    if (pid === undefined) throw new Error('the server has no pid');
    const { files, sessions } = connectClients(served.address);
    const { session } = await sessions.createSession({});
    const folder = await temporaryFolder();
    const target = { files, sessionId: session?.sessionId ?? '', folder };
    await mkdir(join(folder, 'tree/below'), { recursive: true });
    await writeFile(join(folder, 'file'), 'old content');
    await writeFile(join(folder, 'tree/below/file'), 'content');
    // What is made once is there then: a thread, a connection.
    await files.statFile({ sessionId: target.sessionId, path: folder });
    const count = async (): Promise<number> => (await served.holdings()).descriptors;
    const before = await count();
    const refused: string[] = [];
    for (let free = 0; ; free++) {
      const raise = lowerLimit(pid, 'nofile', await limitThatLeaves(pid, free));
      const done = act(target);
      const failed = await failureOf(done).catch(() => undefined);
      raise();
      await expect.poll(count).toBe(before);
      if (failed === undefined) {
        await done;
        break;
      }
      refused.push(failed.summary);
      // Nothing of it is left, at the latest when it can be removed, and all that was there is.
      const names = async (): Promise<string[]> => (await readdir(folder)).toSorted();
      await expect.poll(names).toEqual(['file', 'tree']);
      expect(await readFile(join(folder, 'file'), 'utf8')).toBe('old content');
    }
    expect(refused.length).toBeGreaterThan(1);
    expect(new Set(refused)).toEqual(new Set(['RESOURCE_EXHAUSTED/LIMIT_EXCEEDED']));
    expect((await readdir(folder)).toSorted()).toEqual(left);
  });
});
