import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  File,
  FileChange,
  ListDirectoryRequestSchema,
  ReadFileEnd,
  ReadFileRequestSchema,
  StatFileRequestSchema,
  WatchDirectoryRequestSchema,
  WatchDirectoryResponse,
  WriteFileResponse,
} from '../gen/runlet/v1/file_pb.ts';
import { ConformanceError, ensure } from './assert.ts';
import { handled } from './clients.ts';
import type { CheckContext } from './context.ts';
import { allOf, type Piece, pieceOf, type WriteOpen, writing } from './file-streams.ts';
import { LiveMessages } from './live-messages.ts';

/* Calls of FileService in the check's own session, as most checks make them. */

type StatInit = MessageInitShape<typeof StatFileRequestSchema> & { $typeName?: never };
type ReadInit = MessageInitShape<typeof ReadFileRequestSchema> & { $typeName?: never };
type ListInit = MessageInitShape<typeof ListDirectoryRequestSchema> & { $typeName?: never };
type WatchInit = MessageInitShape<typeof WatchDirectoryRequestSchema> & { $typeName?: never };

/** What a file is. */
export async function statOf(
  { files, sessionId }: CheckContext,
  path: string,
  init: StatInit = {},
): Promise<File> {
  const { file } = await files.statFile({ sessionId, path, ...init });
  ensure(file !== undefined, `StatFile of ${path} answered without a file`);
  return file;
}

/** What came of a file that was read. */
export interface ReadResult {
  readonly file: File;
  readonly pieces: readonly Piece[];
  readonly bytes: Buffer;
  readonly end: ReadFileEnd;
}

/**
 * Reads a file.
 *
 * @throws ConformanceError if the messages come in another order than that of the contract
 */
export async function readAll(
  { files, sessionId }: CheckContext,
  path: string,
  init: ReadInit = {},
): Promise<ReadResult> {
  let file: File | undefined;
  let end: ReadFileEnd | undefined;
  const pieces: Piece[] = [];
  for await (const { response } of files.readFile({ sessionId, path, ...init })) {
    ensure(end === undefined, 'something came after `end`');
    if (response.case === undefined) continue;
    ensure((response.case === 'file') === (file === undefined), '`file` did not come first, once');
    if (response.case === 'file') file = response.value;
    else if (response.case === 'data') pieces.push(response.value);
    else end = response.value;
  }
  ensure(file !== undefined && end !== undefined, `the stream of ${path} ended without \`end\``);
  return { file, pieces, bytes: Buffer.concat(pieces.map(({ data }) => data)), end };
}

/** Writes a file with one piece, all of which is `content`. */
export function write(
  context: CheckContext,
  path: string,
  content: string | Uint8Array,
  open: WriteOpen = {},
): Promise<WriteFileResponse> {
  return writeStream(context, { path, ...open }, [pieceOf(content)]);
}

/** Writes a file with several; `finish` is left out where the stream is to end without. */
export function writeStream(
  { files, sessionId }: CheckContext,
  open: WriteOpen,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  options: { readonly finish?: boolean } = {},
): Promise<WriteFileResponse> {
  return handled(files.writeFile(writing({ sessionId, ...open }, pieces, options)));
}

/** Pieces that are given while a stream is under way, which ends when it is told to. */
export const LivePieces = LiveMessages<Piece>;
export type LivePieces = LiveMessages<Piece>;

/** Waits until an upload has accepted so much. */
export async function untilAccepted(
  { files, sessionId: own }: CheckContext,
  uploadId: string,
  offset: number,
  sessionId = own,
): Promise<void> {
  for (;;) {
    const { acceptedOffset } = await files
      .getUpload({ sessionId, uploadId })
      // The call that makes it is under way.
      .catch(() => ({ acceptedOffset: -1n }));
    if (acceptedOffset >= BigInt(offset)) return;
  }
}

/** A folder that is watched, past `started`. */
export class Watched {
  readonly #responses: AsyncIterator<WatchDirectoryResponse>;
  #rest: FileChange[] = [];

  private constructor(responses: AsyncIterator<WatchDirectoryResponse>) {
    this.#responses = responses;
  }

  /** @throws ConformanceError if something else comes before `started` */
  static async start(
    { files, sessionId }: CheckContext,
    path: string,
    init: WatchInit = {},
  ): Promise<Watched> {
    const stream = files.watchDirectory({ sessionId, path, ...init });
    const watched = new Watched(stream[Symbol.asyncIterator]());
    let first = await watched.nextResponse();
    // A heartbeat, where it took long until all was watched.
    while (first !== undefined && first.response.case === undefined) {
      first = await watched.nextResponse();
    }
    ensure(first?.response.case === 'started', `the first message was ${first?.response.case}`);
    return watched;
  }

  /** The next message, a heartbeat too; undefined at the end. */
  async nextResponse(): Promise<WatchDirectoryResponse | undefined> {
    const { done, value } = await this.#responses.next();
    return done === true ? undefined : value;
  }

  /** The next change; undefined at the end of the stream. */
  async next(): Promise<FileChange | undefined> {
    for (;;) {
      const change = this.#rest.shift();
      if (change !== undefined) return change;
      const message = await this.nextResponse();
      if (message === undefined) return undefined;
      const { response } = message;
      ensure(response.case !== 'overflow', 'changes were lost');
      if (response.case === 'changes') this.#rest = [...response.value.changes];
    }
  }

  /** The next changes, to the first for which it holds. */
  async until(isLast: (change: FileChange) => boolean, what: string): Promise<FileChange[]> {
    const changes: FileChange[] = [];
    for (;;) {
      const change = await this.next();
      if (change === undefined) throw new ConformanceError(`the stream ended before ${what}`);
      changes.push(change);
      if (isLast(change)) return changes;
    }
  }

  /** Ends the stream, as a client does that goes away. */
  async leave(): Promise<void> {
    await this.#responses.return?.();
  }
}

/** The names of files in a folder, in the order in which they came. */
export async function listed(
  { files, sessionId }: CheckContext,
  path: string,
  init: ListInit = {},
): Promise<readonly File[]> {
  const messages = await allOf(files.listDirectory({ sessionId, path, ...init }));
  return messages.flatMap((message) => message.files);
}
