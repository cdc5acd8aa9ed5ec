import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newerNode } from '../../src/cli/newer-node.ts';
import { type CliResult, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/harness.ts';

/** Without one nothing is kept, and all of this holds for the rest. */
const HAS_CACHE = newerNode.enableCompileCache !== undefined;

/** Runs a command whose user has this folder for caches. */
async function run(cache: string, env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  const { NODE_COMPILE_CACHE: _, NODE_DISABLE_COMPILE_CACHE: __, ...others } = process.env;
  const result = await runCli(['--version'], '', {
    env: { ...others, XDG_CACHE_HOME: cache, ...env },
  });
  expect(result.code).toBe(0);
  return result;
}

describe('the cache of compiled code', () => {
  it('is in a folder of this user alone', async () => {
    const cache = await temporaryFolder();
    expect((await run(cache)).stderr).toBe('');
    expect(await readdir(cache)).toEqual(HAS_CACHE ? ['runlet'] : []);
    if (!HAS_CACHE) return;
    const folder = join(cache, 'runlet');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readdir(folder)).toEqual(['compiled']);
  });

  it('is where the next run takes its code from', async () => {
    const cache = await temporaryFolder();
    const env = { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    const taken = /^\[compile cache\] .*command-line[\w-]*\.js.* was accepted/m;
    expect((await run(cache, env)).stderr).not.toMatch(taken);
    const { stderr } = await run(cache, env);
    if (HAS_CACHE) expect(stderr).toMatch(taken);
    else expect(stderr).not.toMatch(taken);
  });

  it('is none in a folder that others can use', async () => {
    const cache = await temporaryFolder();
    const folder = join(cache, 'runlet');
    await mkdir(folder);
    await chmod(folder, 0o755);
    expect((await run(cache)).stderr).toBe('');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is none where no folder can be made', async () => {
    expect((await run('/proc/none')).stderr).toBe('');
  });

  it('is where the user of Node.js wants it', async () => {
    const cache = await temporaryFolder();
    const chosen = await temporaryFolder();
    await run(cache, { NODE_COMPILE_CACHE: chosen });
    expect(await readdir(cache)).toEqual([]);
    expect((await readdir(chosen)).length).toBe(HAS_CACHE ? 1 : 0);
  });

  it('is none if the user of Node.js wants none', async () => {
    const cache = await temporaryFolder();
    await run(cache, { NODE_DISABLE_COMPILE_CACHE: '1' });
    expect(await readdir(cache)).toEqual([]);
  });
});
