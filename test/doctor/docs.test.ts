import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('docs/doctor.md', () => {
  it('has every check with all that it may say', async () => {
    const script = ['scripts/doctor-doc.mjs', '--check'];
    await promisify(execFile)(process.execPath, script, { cwd: ROOT });
  });
});
