import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { archiveOf, handMade, paxRecords } from '../support/tar.ts';
import { treeRequests } from '../support/trees.ts';

/** Archives that would reach what is outside, or hold what is none of files, folders and links. */
const REFUSED: Readonly<Record<string, readonly [archive: Buffer, summary: string]>> = {
  'an absolute name': [archiveOf({ name: '/OUT/x', content: 'x' }), 'OUTSIDE'],
  'a name with ..': [archiveOf({ name: 'a/../../x', content: 'x' }), 'OUTSIDE'],
  'a name that is ..': [archiveOf({ name: '..', type: '5' }), 'OUTSIDE'],
  'a folder with ..': [archiveOf({ name: '../x/', type: '5' }), 'OUTSIDE'],
  'a name of pax that is absolute': [
    archiveOf(paxRecords({ path: '/OUT/x' }), { name: 'x', content: 'x' }),
    'OUTSIDE',
  ],
  'a name of pax with ..': [
    archiveOf(paxRecords({ path: '../x' }), { name: 'x', content: 'x' }),
    'OUTSIDE',
  ],
  'a global name of pax': [archiveOf(paxRecords({ path: '../x' }, 'g'), { name: 'x' }), 'OUTSIDE'],
  'a long name of GNU tar with ..': [
    archiveOf(handMade({ name: 'L', type: 'L', content: '../x\0' }), { name: 'x', content: 'x' }),
    'OUTSIDE',
  ],
  'a file below an absolute link': [
    archiveOf({ name: 'l', type: '2', linkName: 'OUT' }, { name: 'l/x', content: 'x' }),
    'OUTSIDE',
  ],
  'a file below a link that leads up': [
    archiveOf({ name: 'l', type: '2', linkName: '..' }, { name: 'l/x', content: 'x' }),
    'OUTSIDE',
  ],
  'a file below a chain of links': [
    archiveOf(
      { name: 'a', type: '2', linkName: 'b' },
      { name: 'b', type: '2', linkName: 'OUT' },
      { name: 'a/x', content: 'x' },
    ),
    'OUTSIDE',
  ],
  'a folder below a link': [
    archiveOf({ name: 'l', type: '2', linkName: 'OUT' }, { name: 'l/d/', type: '5' }),
    'OUTSIDE',
  ],
  'a link below a link': [
    archiveOf({ name: 'l', type: '2', linkName: 'OUT' }, { name: 'l/x', type: '2', linkName: 'y' }),
    'OUTSIDE',
  ],
  'a folder over a link': [
    archiveOf({ name: 'l', type: '2', linkName: 'OUT' }, { name: 'l/', type: '5', mode: 0o777 }),
    'EXISTS',
  ],
  'a file over a folder': [
    archiveOf({ name: 'd/', type: '5' }, { name: 'd', content: 'x' }),
    'EXISTS',
  ],
  'a file that is the folder itself': [archiveOf({ name: '.', content: 'x' }), 'EXISTS'],
  'a link that is the folder itself': [
    archiveOf({ name: './', type: '2', linkName: 'OUT' }),
    'EXISTS',
  ],
  'a hard link to an absolute name': [
    archiveOf({ name: 'x', type: '1', linkName: 'OUT/secret' }),
    'OUTSIDE',
  ],
  'a hard link with ..': [
    archiveOf({ name: 'x', type: '1', linkName: '../../OUT/secret' }),
    'OUTSIDE',
  ],
  'a hard link through a link': [
    archiveOf(
      { name: 'l', type: '2', linkName: 'OUT' },
      { name: 'x', type: '1', linkName: 'l/secret' },
    ),
    'OUTSIDE',
  ],
  'a hard link of pax to an absolute name': [
    archiveOf(paxRecords({ linkpath: '/OUT/secret' }), { name: 'x', type: '1', linkName: 'y' }),
    'OUTSIDE',
  ],
  'a hard link to nothing': [archiveOf({ name: 'x', type: '1', linkName: 'y' }), 'KIND'],
  'a hard link to a folder': [
    archiveOf({ name: 'd/', type: '5' }, { name: 'x', type: '1', linkName: 'd' }),
    'KIND',
  ],
  'a character device': [archiveOf({ name: 'x', type: '3' }), 'KIND'],
  'a block device': [archiveOf({ name: 'x', type: '4' }), 'KIND'],
  'a FIFO': [archiveOf({ name: 'x', type: '6' }), 'KIND'],
  'a sparse file of GNU tar': [archiveOf({ name: 'x', type: 'S' }), 'KIND'],
  'a part of a file of GNU tar': [archiveOf({ name: 'x', type: 'M' }), 'KIND'],
  'a member of an unknown kind': [archiveOf({ name: 'x', type: 'Q' }), 'KIND'],
  'a file below a file': [
    archiveOf({ name: 'f', content: 'x' }, { name: 'f/x', content: 'x' }),
    'FAILED_PRECONDITION/NOT_A_DIRECTORY',
  ],
  'a name with NUL': [archiveOf(paxRecords({ path: 'a\0b' }), { name: 'x' }), 'INVALID'],
  'a size below zero': [archiveOf(paxRecords({ size: '-1' }), { name: 'x' }), 'INVALID'],
};

const SUMMARIES: Readonly<Record<string, string>> = {
  OUTSIDE: 'PERMISSION_DENIED/OUTSIDE_ROOT',
  EXISTS: 'ALREADY_EXISTS/FILE_EXISTS',
  KIND: 'FAILED_PRECONDITION/NOT_A_REGULAR_FILE',
  INVALID: 'INVALID_ARGUMENT/INVALID_REQUEST',
};

/** A folder that may not be touched, with the archive that names it as `OUT`. */
async function outside(archive: Buffer): Promise<{ folder: string; archive: Buffer }> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'secret'), 'secret');
  return { folder, archive: withLinks(archive, folder) };
}

/** The same archive with another folder in its headers: their checksums are made anew. */
function withLinks(archive: Buffer, folder: string): Buffer {
  const changed = Buffer.from(archive);
  for (let at = 0; at < changed.length; at += 512) {
    const link = changed.toString('latin1', at + 157, at + 257).replace(/\0.*$/s, '');
    if (!link.includes('OUT')) continue;
    changed.fill(0, at + 157, at + 257);
    changed.write(link.replace('OUT', folder), at + 157, 100, 'latin1');
    changed.fill(0x20, at + 148, at + 156);
    const sum = changed.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
  }
  return changed;
}

describe.each([true, false])('WriteTree, confined: %s', (confined) => {
  it.each(Object.entries(REFUSED))('refuses %s', async (_name, [template, summary]) => {
    const root = await temporaryFolder();
    const { folder, archive } = await outside(template);
    const { files, sessionId } = await startHarness(confined ? { fileRoots: [root] } : {});
    const there = join(root, 'there');
    await mkdir(there);
    for (const path of [join(root, 'new'), there]) {
      const call = files.writeTree(treeRequests({ sessionId, path, replace: true }, archive));
      const failure = await failureOf(call);
      expect(failure.summary).toBe(SUMMARIES[summary] ?? summary);
    }
    expect(await readdir(root)).toEqual(['there']);
    expect(await readdir(there)).toEqual([]);
    expect(await readdir(folder)).toEqual(['secret']);
    expect(await readFile(join(folder, 'secret'), 'utf8')).toBe('secret');
  });

  it('writes through no link that is there already', async () => {
    const root = await temporaryFolder();
    const { folder } = await outside(Buffer.alloc(0));
    const { files, sessionId } = await startHarness(confined ? { fileRoots: [root] } : {});
    await symlink(folder, join(root, 'd'));
    await symlink(join(folder, 'secret'), join(root, 'f'));
    const write = (archive: Buffer) =>
      files.writeTree(treeRequests({ sessionId, path: root, replace: true }, archive));
    const below = await failureOf(write(archiveOf({ name: 'd/x', content: 'x' })));
    expect(below.summary).toBe(SUMMARIES['EXISTS']);
    await write(archiveOf({ name: 'f', content: 'new' }));
    expect((await lstat(join(root, 'f'))).isFile()).toBe(true);
    expect(await readdir(folder)).toEqual(['secret']);
    expect(await readFile(join(folder, 'secret'), 'utf8')).toBe('secret');
  });

  it('lets a later member replace an earlier one, and writes through no link', async () => {
    const root = await temporaryFolder();
    const archive = archiveOf(
      { name: 'a', type: '2', linkName: 'OUT/secret' },
      { name: 'a', content: 'first' },
      { name: 'b', type: '1', linkName: 'a' },
      { name: 'a', content: 'second' },
    );
    const { folder, archive: changed } = await outside(archive);
    const { files, sessionId } = await startHarness(confined ? { fileRoots: [root] } : {});
    const path = join(root, 'new');
    await files.writeTree(treeRequests({ sessionId, path }, changed));
    expect(await readFile(join(path, 'a'), 'utf8')).toBe('second');
    expect(await readFile(join(path, 'b'), 'utf8')).toBe('first');
    expect(await readFile(join(folder, 'secret'), 'utf8')).toBe('secret');
  });
});
