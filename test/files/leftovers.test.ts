import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { startHarness, temporaryFolder } from '../support/harness.ts';

const LEAVE = fileURLToPath(new URL('../support/leave-temporary.mjs', import.meta.url));
const TEMPORARY = /^\.runlet-[A-Za-z0-9_-]{22}$/;

async function leaveTemporary(state: string, path: string): Promise<void> {
  const [code, signal] = await once(fork(LEAVE, [state, path]), 'exit');
  expect([code, signal]).toEqual([null, 'SIGKILL']);
}

describe('what a server left that was killed', () => {
  it('is removed by the next one, and nothing else', async () => {
    const folder = await temporaryFolder();
    const state = join(folder, 'state');
    const data = join(folder, 'data');
    await mkdir(data);
    await writeFile(join(data, 'file'), 'as it was');
    await writeFile(join(data, `.runlet-${'x'.repeat(22)}`), 'of somebody else');
    await leaveTemporary(state, join(data, 'file'));
    expect((await readdir(data)).filter((name) => TEMPORARY.test(name))).toHaveLength(2);
    const harness = await startHarness({ stateFolder: state });
    await vi.waitFor(async () => {
      expect((await readdir(state)).filter((name) => name.startsWith('files-'))).toHaveLength(1);
    }, 20_000);
    expect((await readdir(data)).sort()).toEqual([`.runlet-${'x'.repeat(22)}`, 'file']);
    expect(await readFile(join(data, 'file'), 'utf8')).toBe('as it was');
    await harness.runlet.shutdown();
    expect(await readdir(state)).toEqual([]);
  });

  it('is left alone while it runs', async () => {
    const folder = await temporaryFolder();
    const stateFolder = join(folder, 'state');
    await startHarness({ stateFolder });
    const before = await readdir(stateFolder);
    await leaveTemporary(stateFolder, join(folder, 'file'));
    await startHarness({ stateFolder });
    await vi.waitFor(async () => {
      expect((await readdir(folder)).filter((name) => TEMPORARY.test(name))).toEqual([]);
    }, 20_000);
    expect(await readdir(stateFolder)).toEqual(expect.arrayContaining(before));
  });
});
