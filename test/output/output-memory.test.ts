import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { stateFolder } from './spool/support.ts';

const MIX = fileURLToPath(new URL('memory-mix.mjs', import.meta.url));

describe('a store with the worst of everything', () => {
  it('takes no more than half as much memory again as its budget', async () => {
    const args = ['--expose-gc', MIX, await stateFolder()];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { grown, known } = JSON.parse(stdout);
    expect(grown).toBeLessThan(1.5);
    expect(known).toBeLessThan(1.25);
  });
});
