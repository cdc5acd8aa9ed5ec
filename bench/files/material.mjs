// @ts-check
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const MIB = 2 ** 20;

/** Files of one folder among many. */
const FOLDER_FILES = 200;

/**
 * Makes a file of bytes that cannot be compressed.
 *
 * @param {string} path
 * @param {number} mib its size
 */
export async function makeFile(path, mib) {
  const file = await open(path, 'wx');
  try {
    const piece = randomBytes(MIB);
    for (let i = 0; i < mib; i += 1) {
      // No two pieces are the same, so that one in another's place is noticed.
      piece.writeUInt32BE(i);
      await file.write(piece);
    }
  } finally {
    await file.close();
  }
}

/**
 * Makes a folder of small files in folders.
 *
 * @param {string} path
 * @param {number} files how many
 */
export async function makeFolder(path, files) {
  await mkdir(path);
  for (let i = 0; i < files; i += 1) {
    const folder = join(path, String(Math.floor(i / FOLDER_FILES)));
    if (i % FOLDER_FILES === 0) await mkdir(folder);
    await writeFile(join(folder, `file-${i}`), `content ${i}\n`.repeat(i % 100));
  }
}

/**
 * The SHA-256 of a file, or of the names and contents of all that is in a folder.
 *
 * @param {string} path
 * @returns {Promise<string>}
 */
export async function hashOf(path) {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EISDIR') throw error;
  }
  const all = createHash('sha256');
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    const content = await readFile(file);
    all.update(`${file.slice(path.length)}\0${content.byteLength}\0`).update(content);
  }
  return all.digest('hex');
}
