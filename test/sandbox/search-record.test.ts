import {
  chmodSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPath } from '../../src/sandbox/agent/find-path.ts';
import { newSearch, type Search } from '../../src/sandbox/agent/search.ts';
import { SearchRecord } from '../../src/sandbox/agent/search-record.ts';
import { temporaryFolder } from '../support/harness.ts';

const WHO = { uid: process.geteuid?.() ?? 0, gids: [process.getegid?.() ?? 0] };

/** More than what the folders here need to have been left alone for, in milliseconds. */
const LONG_MS = 1_000_000;

/**
 * What was found at paths. `laterMs`: as if that had been so much later, so that folders that were made
 * just now have been left alone for long.
 */
function search(paths: readonly string[], laterMs = 0): Search {
  const search = { ...newSearch(), begunMs: Date.now() + laterMs };
  for (const path of paths) findPath(path, WHO, search);
  return search;
}

/** A record of a search, if there can be one. */
function recordOf(paths: readonly string[], laterMs = 0): SearchRecord {
  const record = SearchRecord.of(search(paths, laterMs));
  if (record === undefined) throw new Error('there is no record');
  return record;
}

interface Tree {
  readonly at: (name: string) => string;
  readonly paths: readonly string[];
}

/** `folder/file`, `link` to it, and nothing at `folder/missing`, in a folder of its own. */
async function makeTree(): Promise<Tree> {
  const top = await temporaryFolder();
  const at = (name: string): string => join(top, name);
  mkdirSync(at('folder'));
  writeFileSync(at('folder/file'), 'file');
  symlinkSync('folder/file', at('link'));
  return { at, paths: [at('folder/file'), at('link'), at('folder/missing')] };
}

/** What changes what is found, each by itself. */
const CHANGES: Readonly<Record<string, (tree: Tree) => void>> = {
  'a file is a link': ({ at }) => {
    unlinkSync(at('folder/file'));
    symlinkSync('/etc/passwd', at('folder/file'));
  },
  'a file is gone': ({ at }) => unlinkSync(at('folder/file')),
  'a folder is another one': ({ at }) => {
    mkdirSync(at('other'));
    writeFileSync(at('other/file'), 'other');
    renameSync(at('folder'), at('old'));
    renameSync(at('other'), at('folder'));
  },
  'a folder is a link to itself': ({ at }) => {
    renameSync(at('folder'), at('old'));
    symlinkSync('old', at('folder'));
  },
  'a folder lets others through': ({ at }) => chmodSync(at('folder'), 0o711),
  'a link leads elsewhere': ({ at }) => {
    unlinkSync(at('link'));
    symlinkSync('folder', at('link'));
  },
  'a link is a file': ({ at }) => {
    unlinkSync(at('link'));
    writeFileSync(at('link'), 'file');
  },
  'there is what was missing': ({ at }) => writeFileSync(at('folder/missing'), ''),
};

describe('a record of a search', () => {
  it.each([0, LONG_MS])('holds as long as the same is found, %i ms after', async (laterMs) => {
    const { at, paths } = await makeTree();
    const record = recordOf(paths, laterMs);
    expect(record.look()).not.toBe('changed');
    // What nobody has asked for, and what is in a file, is of no account.
    writeFileSync(at('folder/other'), '');
    writeFileSync(at('folder/file'), 'more');
    rmSync(at('folder/other'));
    mkdirSync(at('more'));
    expect(record.look()).not.toBe('changed');
    expect(record.look()).not.toBe('changed');
  });

  describe.each(Object.entries(CHANGES))('where %s', (_, change) => {
    it.each([0, LONG_MS])('does not hold any more, %i ms after', async (laterMs) => {
      const tree = await makeTree();
      const record = recordOf(tree.paths, laterMs);
      expect(record.look()).not.toBe('changed');
      change(tree);
      expect(record.look()).toBe('changed');
    });
  });

  it('does not trust the time of a folder that was changed just before', async () => {
    const { at } = await makeTree();
    const missing = at('folder/missing');
    /** The folder has the time now that it had when it was looked at, though it was changed since. */
    const changedAtOnce = (laterMs: number): SearchRecord | undefined => {
      rmSync(missing, { force: true });
      const before = search([missing], laterMs);
      writeFileSync(missing, '');
      before.seen.set(at('folder'), lstatSync(at('folder'), { bigint: true }));
      return SearchRecord.of(before);
    };
    expect(changedAtOnce(0)?.look()).toBe('changed');
    // That is what tells: a time that lies far enough back is trusted.
    expect(changedAtOnce(LONG_MS)?.look()).toBe('untouched');
  });

  it('goes on to look at names where a folder was changed in the time of a look', async () => {
    const { at, paths } = await makeTree();
    const record = recordOf(paths, LONG_MS);
    // Now its time is new, too, and says nothing of what comes next.
    writeFileSync(at('folder/other'), '');
    expect(record.look()).not.toBe('changed');
    writeFileSync(at('folder/missing'), '');
    expect(record.look()).toBe('changed');
  });

  it('is not made of links that others could have made', async () => {
    const { at, paths } = await makeTree();
    const link = at('folder/link');
    chmodSync(at('folder'), 0o1777);
    expect(SearchRecord.of(search(paths))).toBeDefined();
    symlinkSync('file', link);
    expect(SearchRecord.of(search([...paths, link]))).toBeUndefined();
  });
});
