import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/harness.ts';
import { MAIN } from '../support/served.ts';

/** Lines to both streams by turns, and those that are expected of both in the same file. */
const SCRIPT = 'for i in $(seq 500); do echo $i; echo err $i >&2; done';
const LINES = Array.from({ length: 500 }, (_, i) => `${i + 1}\nerr ${i + 1}\n`).join('');

/** Runs it with standard output, and standard error, written to files. */
async function run(stdout: string, stderr: string): Promise<void> {
  const out = await open(stdout, 'w');
  const err = stderr === stdout ? out : await open(stderr, 'w');
  try {
    const args = [MAIN, 'run', '--', 'sh', '-c', SCRIPT];
    const child = spawn(process.execPath, args, { stdio: ['ignore', out.fd, err.fd] });
    expect(await once(child, 'exit')).toEqual([0, null]);
  } finally {
    await out.close();
    if (err !== out) await err.close();
  }
}

describe.skipIf(process.env['TEST_LAUNCHER'] === 'child_process')('runlet run', () => {
  it('keeps the order of lines where both of its outputs are the same', async () => {
    const folder = await temporaryFolder();
    await run(`${folder}/both`, `${folder}/both`);
    expect(await readFile(`${folder}/both`, 'utf8')).toBe(LINES);
  });

  it('keeps its outputs apart where they are not', async () => {
    const folder = await temporaryFolder();
    await run(`${folder}/out`, `${folder}/err`);
    expect(await readFile(`${folder}/out`, 'utf8')).toBe(LINES.replace(/err.*\n/g, ''));
    expect(await readFile(`${folder}/err`, 'utf8')).toBe(LINES.replace(/^\d.*\n/gm, ''));
  });
});
