import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { lastAddress } from '../../src/cli/last-process.ts';
import { temporaryFolder } from '../support/harness.ts';

describe('the server that was used last', () => {
  it('is not asked of a folder that others can write to', async () => {
    const state = await temporaryFolder();
    vi.stubEnv('XDG_STATE_HOME', state);
    onTestFinished(() => void vi.unstubAllEnvs());
    const folder = join(state, 'runlet');
    await mkdir(folder, { mode: 0o700 });
    const last = { address: 'unix:/theirs', session: 's', process: 'p' };
    await writeFile(join(folder, 'last.json'), JSON.stringify({ version: 1, servers: [last] }));
    expect(await lastAddress()).toBe('unix:/theirs');
    await chmod(folder, 0o777);
    expect(await lastAddress()).toBeUndefined();
  });
});
