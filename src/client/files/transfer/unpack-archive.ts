import type { FileHandle } from 'node:fs/promises';
import { TarError, type TarMember } from '../../../files/tar/tar-format.ts';
import { TarReader } from '../../../files/tar/tar-reader.ts';
import { RunletClientError } from '../../client-error.ts';
import { Jobs } from './jobs.ts';
import { type ByteText, below, bytesOf } from './local-path.ts';
import type { Kept, LocalTree } from './local-tree.ts';
import type { Tally } from './transfer-options.ts';

/** Files that are written at a time, and bytes of them that wait for it. */
const AT_A_TIME = 16;
const WAITING_BYTES = 8 * 1024 * 1024;

/** Bytes of a file that is written while others come, at most. */
const SMALL_BYTES = 256 * 1024;

/** Unpacks a tar archive. `shownFolder` is where it will be, for who is told of it. */
export async function unpackArchive(
  archive: AsyncIterable<Buffer>,
  tree: LocalTree,
  shownFolder: ByteText,
  tally: Tally,
): Promise<void> {
  const jobs = new Jobs(AT_A_TIME, WAITING_BYTES);
  const members = new Members(archive);
  const tell = ({ path }: TarMember, bytes: number, files: number): void =>
    tally.add(bytesOf(below(shownFolder, path.replace(/^\.\//, ''))), bytes, files);
  try {
    for (let member = await members.next(); member !== undefined; member = await members.next()) {
      const { kind, path, size } = member;
      const kept = keptOf(member);
      if (kind === 'folder') await tree.folder(path, kept);
      else if (kind === 'symlink') await tree.symlink(path, member.linkPath, kept);
      else if (kind === 'hard-link') {
        // The file has to be there.
        await jobs.end();
        await tree.link(path, member.linkPath);
      } else if (kind === 'other') throw unexpected('a member that is no file, folder or link');
      else if (size <= SMALL_BYTES) {
        const content = await members.content();
        await jobs.begin(async () => {
          await tree.file(path, kept, (handle) => writeAll(handle, content));
          tell(member, size, 1);
        }, size);
        continue;
      } else {
        await tree.file(path, kept, async (handle) => {
          for await (const bytes of members.contents()) {
            await writeAll(handle, bytes);
            tell(member, bytes.length, 0);
          }
        });
      }
      tell(member, 0, 1);
    }
    await jobs.end();
  } catch (error) {
    throw error instanceof TarError ? unexpected(error.message) : error;
  } finally {
    await jobs.settle();
  }
}

/** Writes all bytes, at the end of what was written to it. */
export async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
  }
}

function keptOf({ mode, mtimeNanos, mtimeSeconds }: TarMember): Kept {
  return { mode, modifyTimeNs: BigInt(mtimeSeconds) * 1_000_000_000n + BigInt(mtimeNanos) };
}

/** The members of an archive, one after the other. */
class Members {
  readonly #pieces: AsyncIterator<Buffer>;
  readonly #reader = new TarReader();

  constructor(archive: AsyncIterable<Buffer>) {
    this.#pieces = archive[Symbol.asyncIterator]();
  }

  /** The next; undefined: there is none. The content of the last was taken, if it is a file. */
  async next(): Promise<TarMember | undefined> {
    const event = await this.#event();
    if (event === undefined) return undefined;
    if (event.kind !== 'member') throw unexpected('content of no file');
    return event.member;
  }

  /** The content of a small file. */
  async content(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const bytes of this.contents()) pieces.push(bytes);
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
  }

  /** The content of a file as it comes. */
  async *contents(): AsyncGenerator<Buffer> {
    for (;;) {
      const event = await this.#event();
      if (event?.kind === 'content-end') return;
      if (event?.kind !== 'content') throw unexpected('a file without its content');
      yield event.bytes;
    }
  }

  async #event(): Promise<ReturnType<TarReader['next']>> {
    for (;;) {
      const event = this.#reader.next();
      if (event !== undefined) return event;
      const { done, value } = await this.#pieces.next();
      if (done) {
        if (!this.#reader.ended) throw unexpected('an archive that is cut');
        return undefined;
      }
      this.#reader.feed(value);
    }
  }
}

function unexpected(what: string): RunletClientError {
  return new RunletClientError('PROTOCOL', `the server sent an archive that is none: ${what}`);
}
