import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  escapingPaths,
  everythingIn,
  FILE_CALLS,
  type FileCall,
  fillRoot,
  foldersIn,
  surroundingsIn,
  TARGET_CALLS,
  tells,
} from '../support/escapes.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { inSandbox, sandboxOf } from '../support/sandboxed-files.ts';

const CALLS: readonly (readonly [string, FileCall])[] = Object.entries({
  ...FILE_CALLS,
  ...TARGET_CALLS,
});

/** Those that go through all that is below a path. */
const DEEP = /Tree|Walk|Watch|Copy/;

/**
 * Ways that are none out for those: to what is the sandbox's own, its processes and libraries, and
 * to the folder that has nothing in it but ours, which has a hard link in it.
 */
const OWN = ['a link to / itself', '.. at the end'];

/** The calls are many, and each is made for tens of paths. */
const MANY_CALLS_MS = 300_000;

it.each(CALLS)(
  'a policy of one folder lets nothing be done outside of it by %s',
  async (name, call) => {
    const around = surroundingsIn(await temporaryFolder());
    const harness = await startHarness();
    const { sessionId } = harness;
    const files = inSandbox(harness.files, sandboxOf(around.root));
    const folders = [around.outside, join(around.base, 'rooted')];
    const of = { files, sessionId, pid: process.pid, secretFolders: foldersIn(...folders) };
    const before = everythingIn(...folders);
    const spare = join(around.root, 'spare');
    // What is allowed is done.
    await files.statFile({ sessionId, path: join(around.root, 'file') });
    for (const [way, path] of Object.entries(escapingPaths(around))) {
      if (OWN.includes(way) && DEEP.test(name)) continue;
      fillRoot(around);
      if (name in TARGET_CALLS) writeFileSync(spare, 'spare');
      const answer = await call(of, path, spare).catch((error: unknown) => String(error));
      expect([way, tells(answer), everythingIn(...folders)]).toEqual([way, false, before]);
      expect([way, existsSync(join(around.outside, 'new'))]).toEqual([way, false]);
    }
  },
  MANY_CALLS_MS,
);
