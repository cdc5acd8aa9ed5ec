import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { linesOf, serveAudited } from '../support/audited.ts';
import { temporaryFolder } from '../support/harness.ts';

/** Calls that are made at one time, and how many each makes after another. */
const CALLERS = 8;
const CALLS = 60;

it('loses no line and has none twice while its file is moved away, again and again', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'audit.jsonl');
  const server = await serveAudited(file);
  const { ada, child, files, sessions } = server;
  const { session } = await sessions.createSession({}, ada);
  const sessionId = session?.sessionId ?? '';
  const moved: string[] = [];
  let calling = true;
  const rotated = (async () => {
    while (calling) {
      const to = join(folder, `audit.${moved.length}`);
      await rename(file, to);
      moved.push(to);
      child.kill('SIGHUP');
      await expect.poll(() => existsSync(file), { interval: 1, timeout: 30_000 }).toBe(true);
    }
  })();
  const names = Array.from({ length: CALLERS }, (_, caller) =>
    Array.from({ length: CALLS }, (_, call) => join(server.folder, `made-${caller}-${call}`)),
  );
  await Promise.all(
    names.map(async (own) => {
      for (const path of own) await files.createDirectory({ sessionId, path }, ada);
    }),
  );
  calling = false;
  await rotated;
  await server.end();
  const lines = [...moved, file].map(linesOf);
  const told = lines.flat().filter(({ action }) => action === 'CreateDirectory');
  expect(told.map(({ detail }) => detail).sort()).toEqual(names.flat().sort());
  // That is, it was moved while there was something to write.
  expect(lines.filter((some) => some.length > 0).length).toBeGreaterThan(2);
});

it('goes on with the file that it has where the next cannot be opened', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'audit.jsonl');
  const server = await serveAudited(file);
  const { ada, child, sessions } = server;
  await sessions.createSession({}, ada);
  await expect.poll(() => server.lines().length).toBe(2);
  const old = join(folder, 'old');
  await rename(file, old);
  await mkdir(file);
  child.kill('SIGHUP');
  await sessions.createSession({}, ada);
  await expect.poll(() => linesOf(old).length).toBe(3);
  expect(await server.end()).toContain(`"message":"the audit is written to a regular file`);
});
