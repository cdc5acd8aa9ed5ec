import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/harness.ts';
import { MAIN } from '../support/served.ts';
import { ROOT, readBlocks } from './pages.ts';
import { type Stop, WALKS } from './walks.ts';

/** Ten commands, some with `npx` before them: on a busy machine seconds for every one of them. */
const TIMEOUT_MS = 600_000;

/** The page whose walk is done with npx as it is. */
const WITH_NPX = 'README.md';

/** Where the commands of a page are run. */
async function surroundings(page: string): Promise<NodeJS.ProcessEnv> {
  const folder = await temporaryFolder();
  return {
    ...process.env,
    ...(page === WITH_NPX ? {} : { PATH: `${await withoutNpx(folder)}:${process.env['PATH']}` }),
    XDG_RUNTIME_DIR: folder,
    XDG_STATE_HOME: folder,
    RUNLET_ADDRESS: '',
    // The first `npx runlet` in a clone has npm install the clone into a cache as a link. That
    // leaves what was built as it is, which is looked at below.
    npm_config_cache: join(folder, 'npm'),
  };
}

/** A folder for the PATH in which `npx` only calls the program, since npx takes longer than that. */
async function withoutNpx(folder: string): Promise<string> {
  const programs = join(folder, 'bin');
  await mkdir(programs);
  const script = `#!/bin/sh\nshift\nexec '${process.execPath}' '${MAIN}' "$@"\n`;
  await writeFile(join(programs, 'npx'), script, { mode: 0o755 });
  return programs;
}

/** What is run of a block. */
function scriptOf(commands: string): string {
  // That was done before the tests, and would take what they use from under them.
  const installed = commands.replace(/^npm ci && /gm, '');
  // That port may be somebody else's.
  return installed.replaceAll('127.0.0.1:50051', '127.0.0.1:0');
}

/** Runs a block that goes on until the test is over. */
async function startServing(stop: Stop, script: string, env: NodeJS.ProcessEnv): Promise<void> {
  const server = spawn('sh', ['-euc', script], {
    cwd: ROOT,
    env,
    // Its log is of no interest here.
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const ended = once(server, 'exit');
  onTestFinished(async () => {
    if (server.exitCode === null) process.kill(-(server.pid ?? 0), 'SIGTERM');
    await ended;
  });
  const [first] = await Promise.race([once(server.stdout, 'data'), ended]);
  expect(String(first)).toMatch(stop.prints);
}

/** Runs a block to its end. */
async function runToEnd(stop: Stop, script: string, env: NodeJS.ProcessEnv): Promise<void> {
  const running = promisify(execFile)('sh', ['-euc', script], { cwd: ROOT, env });
  running.child.stdin?.end(stop.typed ?? '');
  const ended = running.then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { readonly code: number; readonly stdout: string }) => error,
  );
  const { code, stdout } = await ended;
  expect([code, stdout]).toEqual([stop.code ?? 0, expect.stringMatching(stop.prints)]);
}

describe.each(Object.entries(WALKS))('a walk through %s', (page, stops) => {
  it('works as it is printed', { timeout: TIMEOUT_MS }, async () => {
    const env = await surroundings(page);
    const built = await stat(MAIN);
    const blocks = (await readBlocks(page)).filter(({ kind }) => kind === 'walk');
    expect(blocks.map(({ name }) => name)).toEqual(stops.map(({ name }) => name));
    for (const [i, stop] of stops.entries()) {
      const script = scriptOf(blocks[i]?.commands ?? '');
      await (stop.serves ? startServing : runToEnd)(stop, script, env);
    }
    expect((await stat(MAIN)).mtimeMs).toBe(built.mtimeMs);
  });
});
