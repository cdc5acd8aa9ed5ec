import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  WriteFileOpenSchema,
  WriteFileRequestSchema,
  WriteTreeOpenSchema,
  WriteTreeRequestSchema,
} from '../gen/runlet/v1/file_pb.ts';

/** How a file is opened to be written. */
export type WriteOpen = MessageInitShape<typeof WriteFileOpenSchema> & { $typeName?: never };

/** Where an archive is unpacked. */
export type TreeOpen = MessageInitShape<typeof WriteTreeOpenSchema> & { $typeName?: never };

/** Bytes that are sent, and where they belong. */
export interface Piece {
  readonly offset: bigint;
  readonly data: Uint8Array;
}

/** The messages that write a file: `open`, these pieces, and unless it is left out, `finish`. */
export async function* writing(
  open: WriteOpen,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  { finish = true } = {},
): AsyncGenerator<MessageInitShape<typeof WriteFileRequestSchema>> {
  yield { request: { case: 'open', value: open } };
  for await (const piece of pieces) yield { request: { case: 'data', value: piece } };
  if (finish) yield { request: { case: 'finish', value: {} } };
}

/** The messages that unpack an archive, in the same way. */
export async function* unpacking(
  open: TreeOpen,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { finish = true } = {},
): AsyncGenerator<MessageInitShape<typeof WriteTreeRequestSchema>> {
  yield { request: { case: 'open', value: open } };
  for await (const value of pieces) yield { request: { case: 'data', value } };
  if (finish) yield { request: { case: 'finish', value: {} } };
}

/** A text or bytes as one piece, from a place. */
export function pieceOf(content: string | Uint8Array, offset = 0): Piece {
  return { offset: BigInt(offset), data: Buffer.from(content) };
}

/** All messages of a stream, to its end. */
export async function allOf<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}
