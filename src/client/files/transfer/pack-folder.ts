import { type BigIntStats, constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises';
import { paddingOf } from '../../../files/tar/tar-format.ts';
import { ARCHIVE_END_BYTES, headersOf, type WrittenMember } from '../../../files/tar/tar-writer.ts';
import { readAhead } from './local-file-source.ts';
import { type ByteText, below, bytesOf, changed, unfit } from './local-path.ts';
import type { Tally } from './transfer-options.ts';

/** Files that are looked at ahead of their turn. */
const AHEAD = 32;

/** Bytes of a file that is read with its turn still to come, at most. */
const SMALL_BYTES = 64 * 1024;

/** Bytes that are handed on together. */
const PIECE_BYTES = 256 * 1024;

/** Without following a link that has taken its place, and without waiting for who writes to a FIFO. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The owner of what is packed: nobody, so that it belongs to whom the server runs as. */
const NOBODY = -1;

/** A member that can be written. */
interface Packed {
  readonly path: ByteText;
  readonly member: WrittenMember;
  /** Of a file: all of it, or where to read it. */
  readonly content: Buffer | FileHandle | undefined;
  /** Of a file that has several names: what it is. */
  readonly identity: string | undefined;
}

/** A local folder and all that is in it as a tar archive, with links as links. */
export async function* packFolder(folder: ByteText, tally: Tally): AsyncGenerator<Buffer> {
  tally.reset();
  const ahead: Promise<Packed>[] = [];
  const entries = walk(folder);
  const prepare = packer(folder);
  const names = new Map<string, ByteText>();
  const pieces = new Pieces();
  try {
    for (let isOver = false; ; ) {
      while (!isOver && ahead.length < AHEAD) {
        const { done, value } = await entries.next();
        if (done) isOver = true;
        else {
          const prepared = prepare(value);
          // It is looked at when it has its turn.
          prepared.catch(() => {});
          ahead.push(prepared);
        }
      }
      const next = ahead[0];
      if (next === undefined) break;
      const packed = await next;
      const { identity, member, path } = packed;
      const first = identity === undefined ? undefined : names.get(identity);
      if (first === undefined) {
        if (identity !== undefined) names.set(identity, member.path);
        yield* pieces.add(headersOf(member));
        yield* contentOf(packed, pieces, tally);
      } else {
        yield* pieces.add(headersOf({ ...member, kind: 'hard-link', linkPath: first, size: 0 }));
        await closeOf(next);
      }
      void ahead.shift();
      tally.add(bytesOf(path), 0, 1);
    }
    yield* pieces.add(Buffer.alloc(ARCHIVE_END_BYTES));
    yield* pieces.rest();
  } finally {
    await entries.return(undefined);
    for (const prepared of ahead) await closeOf(prepared);
  }
}

async function* contentOf(
  { content, member, path }: Packed,
  pieces: Pieces,
  tally: Tally,
): AsyncGenerator<Buffer> {
  if (content === undefined) return;
  if (Buffer.isBuffer(content)) {
    yield* pieces.add(content);
    tally.add(bytesOf(path), content.length, 0);
  } else {
    yield* pieces.rest();
    for await (const piece of readAhead(content, 0, member.size, () => changed(path))) {
      yield piece;
      tally.add(bytesOf(path), piece.length, 0);
    }
    await content.close();
  }
  yield* pieces.add(Buffer.alloc(paddingOf(member.size)));
}

async function closeOf(prepared: Promise<Packed>): Promise<void> {
  const { content } = await prepared.catch(() => ({ content: undefined }));
  if (content === undefined || Buffer.isBuffer(content)) return;
  // It may be closed already.
  await content.close().catch(() => {});
}

/** Something in a folder. */
interface Entry {
  readonly path: ByteText;
  readonly entry: Dirent<Buffer> | undefined;
}

/** A folder and all that is in it, each folder before what is in it. */
async function* walk(folder: ByteText): AsyncGenerator<Entry> {
  yield { path: folder, entry: undefined };
  const folders = [folder];
  for (let path = folders.pop(); path !== undefined; path = folders.pop()) {
    const entries = await readdir(bytesOf(path), { withFileTypes: true, encoding: 'buffer' });
    for (const entry of entries) {
      const child = below(path, entry.name.toString('latin1'));
      if (entry.isDirectory()) folders.push(child);
      yield { path: child, entry };
    }
  }
}

/** Looks at what is to be packed. */
function packer(root: ByteText): (entry: Entry) => Promise<Packed> {
  const memberPath = (path: ByteText): ByteText => `.${path.slice(root === '/' ? 0 : root.length)}`;
  return async ({ entry, path }) => {
    if (entry?.isSymbolicLink()) {
      const linkPath = await readlink(bytesOf(path), { encoding: 'buffer' });
      const stats = await lstat(bytesOf(path), { bigint: true });
      const said = {
        ...saidOf(stats),
        path: memberPath(path),
        linkPath: linkPath.toString('latin1'),
      };
      return { path, member: { ...said, kind: 'symlink', size: 0 }, ...NO_CONTENT };
    }
    if (entry === undefined || entry.isDirectory()) {
      const stats = await lstat(bytesOf(path), { bigint: true });
      if (!stats.isDirectory()) throw changed(path);
      const said = { ...saidOf(stats), path: `${memberPath(path)}/`, linkPath: '' };
      return { path, member: { ...said, kind: 'folder', size: 0 }, ...NO_CONTENT };
    }
    if (!entry.isFile()) throw unfit(path, 'is no file, folder or link');
    const handle = await open(bytesOf(path), OPEN_FLAGS);
    try {
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) throw changed(path);
      const said = { ...saidOf(stats), path: memberPath(path), linkPath: '' };
      const identity = stats.nlink > 1n ? `${stats.dev}:${stats.ino}` : undefined;
      const size = Number(stats.size);
      const member: WrittenMember = { ...said, kind: 'file', size };
      if (size > SMALL_BYTES) return { path, member, content: handle, identity };
      const content = Buffer.alloc(size);
      for (let at = 0; at < size; ) {
        const { bytesRead } = await handle.read(content, at, size - at, at);
        if (bytesRead === 0) throw changed(path);
        at += bytesRead;
      }
      await handle.close();
      return { path, member, content, identity };
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
  };
}

const NO_CONTENT = { content: undefined, identity: undefined };

const NS_PER_SECOND = 1_000_000_000n;

/** What is said of a file in an archive. */
function saidOf({
  mode,
  mtimeNs,
}: BigIntStats): Omit<WrittenMember, 'kind' | 'linkPath' | 'path' | 'size'> {
  const nanos = ((mtimeNs % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return {
    mode: Number(mode) & 0o1777,
    uid: NOBODY,
    gid: NOBODY,
    mtimeSeconds: Number((mtimeNs - nanos) / NS_PER_SECOND),
    mtimeNanos: Number(nanos),
  };
}

/** Puts small pieces together. */
class Pieces {
  #waiting: Buffer[] = [];
  #bytes = 0;

  *add(bytes: Buffer): Generator<Buffer> {
    if (bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= PIECE_BYTES) yield* this.rest();
  }

  *rest(): Generator<Buffer> {
    if (this.#bytes === 0) return;
    const piece = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#bytes = 0;
    yield piece;
  }
}
