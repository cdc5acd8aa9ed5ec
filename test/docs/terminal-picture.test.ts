import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/harness.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What stands in a picture, line by line, without what differs from run to run. */
async function linesOf(picture: string): Promise<readonly string[]> {
  const svg = await readFile(picture, 'utf8');
  const texts = [...svg.matchAll(/<text [^>]*>(.*?)<\/text>/g)].map(([, text = '']) => text);
  return texts.map((text) =>
    text
      .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/, 'ID')
      .replace(
        /^(build +)[0-9a-f]{8} +\d+ +(?:running|exit 0) +\d+ \w+ ago/,
        '$1SESSION PID STATE AGO',
      )
      .replace(/ {2,}/g, '  '),
  );
}

describe('the picture of a terminal', () => {
  it('is of commands that still print what it shows', async () => {
    const picture = join(await temporaryFolder(), 'images', 'terminal.svg');
    await promisify(execFile)(process.execPath, ['scripts/terminal-picture.mjs', picture], {
      cwd: ROOT,
    });
    const drawn = await linesOf(picture);
    expect(drawn).toEqual(await linesOf(join(ROOT, 'docs/images/terminal.svg')));
    const [, , again] = drawn.join('\n').split('runlet logs -f\n');
    expect(again).toMatch(/^step 1\nstep 2\nstep 3\nstep 4\nstep 5\n\$\n/);
  });
});
