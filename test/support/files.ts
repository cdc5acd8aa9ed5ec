import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  File,
  ReadFileEnd,
  ReadFileResponse,
  WriteFileOpenSchema,
  WriteFileRequestSchema,
} from '../../src/gen/runlet/v1/file_pb.ts';

/** Bytes of one message. */
const PIECE_BYTES = 100_000;

/** What came of a file. */
export interface ReadContent {
  readonly file: File | undefined;
  readonly content: Buffer;
  /** Undefined: the stream was cut. */
  readonly end: ReadFileEnd | undefined;
}

/** Reads all that comes of a file. The pieces have to be in order, without gaps. */
export async function readAll(responses: AsyncIterable<ReadFileResponse>): Promise<ReadContent> {
  let file: File | undefined;
  let end: ReadFileEnd | undefined;
  let next: bigint | undefined;
  const pieces: Uint8Array[] = [];
  for await (const { response } of responses) {
    if (end !== undefined) throw new Error('something came after the end');
    if (response.case === 'file') file = response.value;
    if (response.case === 'end') end = response.value;
    if (response.case !== 'data') continue;
    if (file === undefined) throw new Error('data came before the file');
    const { data, offset } = response.value;
    if (next !== undefined && offset !== next) throw new Error(`a gap before ${offset}`);
    next = offset + BigInt(data.byteLength);
    pieces.push(data);
  }
  return { file, content: Buffer.concat(pieces), end };
}

/** The messages that write some content. */
export async function* writeRequests(
  open: MessageInitShape<typeof WriteFileOpenSchema>,
  content: Uint8Array,
  { finish = true, offset = 0 }: { readonly finish?: boolean; readonly offset?: number } = {},
): AsyncGenerator<MessageInitShape<typeof WriteFileRequestSchema>> {
  yield { request: { case: 'open', value: open } };
  for (let at = 0; at < content.byteLength; at += PIECE_BYTES) {
    const data = content.subarray(at, at + PIECE_BYTES);
    yield { request: { case: 'data', value: { offset: BigInt(offset + at), data } } };
  }
  if (finish) yield { request: { case: 'finish', value: {} } };
}

/** The SHA-256 of some bytes, as messages have it. */
export function sha256Of(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}
