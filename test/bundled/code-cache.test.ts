import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CliResult, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/harness.ts';

/** Runs a command whose user has this folder for caches. */
async function run(cache: string, env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  const { NODE_COMPILE_CACHE: _, NODE_DISABLE_COMPILE_CACHE: __, ...others } = process.env;
  const result = await runCli(['--version'], '', {
    env: { ...others, XDG_CACHE_HOME: cache, ...env },
  });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result;
}

/** The files of a cache, with what tells whether they were written again. */
async function filesOf(cache: string): Promise<ReadonlyMap<string, bigint>> {
  const folder = join(cache, 'runlet');
  const files = new Map<string, bigint>();
  for (const build of await readdir(folder)) {
    for (const name of await readdir(join(folder, build))) {
      const path = join(folder, build, name);
      files.set(path, (await stat(path, { bigint: true })).ino);
    }
  }
  return files;
}

describe('the cache of compiled code', () => {
  it('is in a folder of this user alone, and written once', async () => {
    const cache = await temporaryFolder();
    await run(cache);
    expect((await stat(join(cache, 'runlet'))).mode & 0o777).toBe(0o700);
    const files = await filesOf(cache);
    expect(files.size).toBeGreaterThan(1);
    await run(cache);
    expect(await filesOf(cache)).toEqual(files);
  });

  it('is of one build, and of one set of flags of V8', async () => {
    const cache = await temporaryFolder();
    await run(cache);
    await run(cache, { NODE_OPTIONS: '--stack-trace-limit=5 --max-old-space-size=512' });
    expect((await readdir(join(cache, 'runlet'))).length).toBe(2);
  });

  it('does no harm where what is in it is not what V8 has left', async () => {
    const cache = await temporaryFolder();
    const { stdout } = await run(cache);
    const [first = '', second = ''] = [...(await filesOf(cache)).keys()];
    await truncate(first, 100);
    await writeFile(second, Buffer.from(await readFile(second)).fill(0));
    expect((await run(cache)).stdout).toEqual(stdout);
  });

  it('is taken from no folder that others can use', async () => {
    const cache = await temporaryFolder();
    const folder = join(cache, 'runlet');
    await mkdir(folder);
    await chmod(folder, 0o755);
    await run(cache);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is none where no folder can be made', async () => {
    await run('/proc/none');
  });

  it('is where the user of Node.js wants it', async () => {
    const cache = await temporaryFolder();
    const chosen = await temporaryFolder();
    await run(cache, { NODE_COMPILE_CACHE: chosen });
    expect(await readdir(cache)).toEqual([]);
    expect(await readdir(chosen)).toContain('runlet');
  });

  it('is none if the user of Node.js wants none', async () => {
    const cache = await temporaryFolder();
    await run(cache, { NODE_DISABLE_COMPILE_CACHE: '1' });
    expect(await readdir(cache)).toEqual([]);
  });
});
