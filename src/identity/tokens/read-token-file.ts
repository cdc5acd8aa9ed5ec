import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { MAX_TOKEN_FILE_BYTES } from '../../limits.ts';
import { parseTokenFile, type TokenLine } from './token-line.ts';

/** The tokens that a server knows, by their public keys. */
export type TokenLines = ReadonlyMap<string, TokenLine>;

/** Which file it is, in a text that differs once its content or its mode may. */
export function stateOf({ ctimeNs, dev, ino, mtimeNs, size }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** A token file as it was when it was read. */
export interface ReadTokenFile {
  /** As it was before it was read. */
  readonly stats: BigIntStats;
  /** What it has, or what is wrong with it, as long as it is as it is. */
  readonly result: TokenLines | Error;
}

/**
 * Reads a token file. Others may read it, but whoever can write to it decides who is let in: that
 * may be this user or root alone.
 *
 * @throws Error of the system
 */
export async function readTokenFile(path: string): Promise<ReadTokenFile> {
  // Whatever it is, it is not waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat({ bigint: true });
    return { stats, result: await contentOf(file, stats) };
  } finally {
    await file.close();
  }
}

async function contentOf(file: FileHandle, stats: BigIntStats): Promise<TokenLines | Error> {
  const wrong = whatIsWrong(stats);
  if (wrong !== undefined) return new Error(wrong);
  const bytes = Buffer.alloc(Number(stats.size));
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  try {
    return parseTokenFile(bytes.toString('utf8', 0, length));
  } catch (error) {
    return error as Error;
  }
}

function whatIsWrong(stats: BigIntStats): string | undefined {
  if (!stats.isFile()) return 'it is no file';
  const owner = Number(stats.uid);
  if (owner !== 0 && owner !== process.geteuid?.()) return 'it belongs to another user';
  if ((stats.mode & 0o022n) !== 0n) return 'other users can write to it';
  if (stats.size > MAX_TOKEN_FILE_BYTES) return `it has more than ${MAX_TOKEN_FILE_BYTES} bytes`;
  // Whoever writes to it in place empties it first.
  if (stats.size === 0n) return 'it is empty; one with a comment lets nobody in';
  return undefined;
}
