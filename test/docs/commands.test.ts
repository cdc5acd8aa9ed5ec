import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { FILES_PAGE, PAGE as GRPCURL_PAGE } from '../interop/support.ts';
import { BY_HAND, CLAIMS, TRIED } from './claims.ts';
import { type Block, blocksOf, ROOT, readBlocks, userPages } from './pages.ts';
import { WALKS } from './walks.ts';

/** Comments whose blocks a test runs that looks for them in these pages. */
const RUNNERS: Readonly<Record<string, (page: string) => boolean>> = {
  walk: (page) => page in WALKS,
  interop: (page) => page === GRPCURL_PAGE || page === FILES_PAGE,
  own: (page) => /^clients\/\w+\/README\.md$/.test(page),
  runbook: (page) => page === 'docs/runbook.md',
  tls: (page) => page === 'docs/tls.md',
  tool: (page) => page === 'docs/load.md',
};

const PAGES = await userPages();
const BLOCKS = (await Promise.all(PAGES.map(readBlocks))).flat();

/** Whether a test runs the block where it stands. */
function isRun({ kind, name, page }: Block): boolean {
  return name !== undefined && RUNNERS[kind ?? '']?.(page) === true;
}

/** The commands of a block: lines without remarks, joined where they go on. */
function commandsOf({ commands }: Block): readonly string[] {
  return commands
    .replaceAll('\\\n', '')
    .split('\n')
    .map((line) => line.replace(/(?:^|\s)# .*$/, '').trim())
    .filter((line) => line !== '');
}

function isClaimed(command: string): boolean {
  const patterns = [...CLAIMS.map((claim) => claim.command), ...BY_HAND];
  return patterns.some((pattern) => pattern.test(command));
}

/** Which commands of a block nothing runs. */
function unclaimed(block: Block, others: readonly Block[]): readonly string[] {
  if (isRun(block)) return [];
  if (others.some((other) => isRun(other) && other.commands === block.commands)) return [];
  const commands = commandsOf(block);
  return block.kind === 'elsewhere' ? commands.filter((one) => !isClaimed(one)) : commands;
}

describe('the commands in the documents', () => {
  it('are all run by a test, or something that is the same', () => {
    expect(BLOCKS.length).toBeGreaterThan(30);
    const places = BLOCKS.flatMap((block) =>
      unclaimed(block, BLOCKS).map((command) => `${block.page}:${block.line}: ${command}`),
    );
    expect(places).toEqual([]);
  });

  it('would be found if they were not', () => {
    const text = [
      '```sh\nnew command\n```',
      '<!-- elsewhere -->\n```sh\nnpm run bench # fast\nnew \\\n  one\n```',
      '<!-- walk: new -->\n```bash\nnew page\n```',
    ].join('\n\n');
    const found = blocksOf('docs/new.md', text);
    expect(found.flatMap((block) => unclaimed(block, found))).toEqual([
      'new command',
      'new   one',
      'new page',
    ]);
  });

  it.each(CLAIMS)('are run where it is said of $command', async ({ by, command, has }) => {
    expect(await readFile(`${ROOT}/${by}`, 'utf8')).toContain(has);
    expect(BLOCKS.flatMap(commandsOf).some((shown) => command.test(shown))).toBe(true);
  });

  it('call scripts of npm that there are', async () => {
    const texts = await Promise.all(
      [...PAGES, 'CONTRIBUTING.md'].map((page) => readFile(`${ROOT}/${page}`, 'utf8')),
    );
    const names = texts.flatMap((text) => [...text.matchAll(/\bnpm run ([\w:-]+)/g)]);
    const scripts: Readonly<Record<string, string>> = manifest.scripts;
    expect(names.map(([, name = '']) => name).filter((name) => !(name in scripts))).toEqual([]);
  });

  it('have arguments that the programs take, where these run for minutes', async () => {
    const shown = BLOCKS.flatMap(commandsOf).flatMap((command) => [
      ...command.matchAll(/^npm run (bench|load)(?: -- (.*))?$/g),
    ]);
    expect(shown.length).toBeGreaterThan(8);
    await Promise.all(
      shown.map(async ([command, name = '', args = '']) => {
        const given = args.split(' ').filter((arg) => arg !== '');
        const argv = [TRIED[name] ?? '', ...new Set([...given, '--list'])];
        const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: ROOT });
        expect(stdout, command).not.toBe('');
      }),
    );
  });
});
