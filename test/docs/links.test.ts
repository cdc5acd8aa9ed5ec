import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/check-links.mjs', import.meta.url));

/** A link, what it is, and what the script says of it: the line, and the fault. */
type Case = readonly [name: string, text: string, fault?: string, line?: number];

const GOOD: readonly Case[] = [
  ['a file', '[a](other.md) [b](./docs/../other.md "a title") [c](<other.md>)'],
  ['a folder', '[a](docs) [b](docs/) [c](.)'],
  ['a heading', '[a](other.md#a-head-and-_more_) [b](other.md#own) [c](#here)\n\n# Here'],
  ['headings of one text', '[a](other.md#same) [b](other.md#same-1) [c](other.md#same-1-1)'],
  ['an image', '![a](docs/picture.svg) [![b](docs/picture.svg)](other.md)'],
  ['a line of code', '[a](docs/picture.svg#L1)'],
  ['what a label stands for', '[a][label]\n\n[label]: other.md'],
  ['the web', '[a](https://example.com/a_(b)?c=d#e) <https://example.com> [m](mailto:a@b.c)'],
  ['nothing, in code', '`[a](nowhere.md)`\n\n```sh\n[b](nowhere.md)\n```\n\n<!-- [c](no.md) -->'],
];

const BAD: readonly Case[] = [
  ['to a file that is not there', '[a](nowhere.md)', 'nowhere.md: no such file'],
  ['over two lines', '[a\nb](nowhere.md)', 'nowhere.md: no such file'],
  ['to a file in other letters', '[a](Other.md)', 'Other.md: no such file'],
  ['to a heading that is not there', '[a](other.md#none)', 'other.md#none: no such heading'],
  ['to a heading of its own page', '[a](#none)', '#none: no such heading'],
  ['to one heading too many', '[a](other.md#same-3)', 'other.md#same-3: no such heading'],
  ['to a heading in code', '[a](#no)\n\n```sh\n# No\n```', '#no: no such heading'],
  ['to an image that is not there', '![a](none.svg)', 'none.svg: no such file'],
  ['of an image', '[![a](none.svg)](other.md)', 'none.svg: no such file'],
  ['in HTML', '<img alt="" src="none.png">', 'none.png: no such file'],
  ['by a label', '[a][b]\n\n[b]: nowhere.md', 'nowhere.md: no such file', 3],
  ['by a label that stands for nothing', '[a][b]', '[b]: no such label'],
  ['to an absolute path', '[a](/home/me/other.md)', '/home/me/other.md: an absolute path'],
  ['to a file of this machine', '[a](file:///tmp/a)', 'file:///tmp/a: not an address of the web'],
  ['out of the folder', '[a](../other.md)', '../other.md: outside of the repository'],
  ['to no host', '[a](https://)', 'https://: not a valid address'],
  ['to this machine', '[a](http://localhost:1)', 'http://localhost:1: not a public host'],
  ['to nothing', '[a]()', ': it is empty'],
];

const OTHER = '# A `head`, and _more_!\n\n## Same\n\n## Same\n\n## Same-1\n\n<a id="own"></a>\n';

/** What the script says of a folder with these files. */
async function check(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-test-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const ended = await promisify(execFile)(process.execPath, [SCRIPT, folder]).catch(
    (error: { readonly code: number; readonly stderr: string }) => error,
  );
  await rm(folder, { recursive: true });
  const faults = ended.stderr.split('\n').filter((line) => line !== '');
  expect('code' in ended ? ended.code : 0).toBe(faults.length === 0 ? 0 : 1);
  return faults;
}

describe('the check of links', () => {
  let faults: readonly string[];

  /** What is said of a page that holds this case alone. */
  const said = ([name]: Case): readonly string[] =>
    faults
      .filter((fault) => fault.startsWith(`${pageOf(name)}:`))
      .map((fault) => fault.slice(pageOf(name).length + 1));

  beforeAll(async () => {
    const pages = [...GOOD, ...BAD].map(([name, text]) => [pageOf(name), text]);
    faults = await check({
      ...Object.fromEntries(pages),
      'other.md': OTHER,
      'docs/picture.svg': '<svg/>',
    });
  });

  it.each(named(GOOD))('lets a link through to $name', ({ link }) => {
    expect(said(link)).toEqual([]);
  });

  it.each(named(BAD))('finds a link $name', ({ link }) => {
    const [, , fault, line = 1] = link;
    expect(said(link)).toEqual([`${line}:${fault === undefined ? '' : ` ${fault}`}`]);
  });

  it('finds a page that the index does not lead to', async () => {
    const files = { 'docs/README.md': '[a](a.md)', 'docs/a.md': '', 'docs/more/b.md': '' };
    expect(await check(files)).toEqual(['docs/README.md: does not lead to docs/more/b.md']);
  });

  it('says nothing where all is well, and succeeds', async () => {
    expect(await check({ 'docs/README.md': '[a](a.md)', 'docs/a.md': '' })).toEqual([]);
  });
});

function named(cases: readonly Case[]) {
  return cases.map((link) => ({ name: link[0], link }));
}

function pageOf(name: string): string {
  return `${name.replaceAll(' ', '-')}.md`;
}
