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
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { inSandbox, sandboxOf } from '../support/sandboxed-files.ts';
import { serve } from '../support/served.ts';

const CALLS: readonly (readonly [string, FileCall])[] = Object.entries({
  ...FILE_CALLS,
  ...TARGET_CALLS,
});

it.each(CALLS)(
  'a policy of one folder lets nothing be done outside of it by %s',
  async (name, call) => {
    const around = surroundingsIn(await temporaryFolder());
    const { address, child } = await serve();
    const clients = connectClients(address);
    const { session } = await clients.sessions.createSession({});
    const files = inSandbox(clients.files, sandboxOf(around.root));
    const sessionId = session?.sessionId ?? '';
    const out = [around.outside, join(around.base, 'rooted')] as const;
    const of = { files, sessionId, pid: child.pid ?? 0, secretFolders: foldersIn(...out) };
    const outside = (): readonly string[] => everythingIn(...out);
    const before = outside();
    const spare = join(around.root, 'spare');
    // What it is about is done where that is allowed.
    await files.statFile({ sessionId: of.sessionId, path: join(around.root, 'file') });
    for (const [way, path] of Object.entries(escapingPaths(around))) {
      fillRoot(around);
      if (name in TARGET_CALLS) writeFileSync(spare, 'spare');
      const answer = await call(of, path, spare).catch((error: unknown) => String(error));
      expect([way, tells(answer), outside()]).toEqual([way, false, before]);
      expect([way, existsSync(join(around.outside, 'new'))]).toEqual([way, false]);
    }
  },
);
