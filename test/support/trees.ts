import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ReadTreeResponse,
  WriteTreeOpenSchema,
  WriteTreeRequestSchema,
} from '../../src/gen/runlet/v1/file_pb.ts';

/** Bytes of one message. */
const PIECE_BYTES = 100_000;

/** All bytes of an archive that is read. It has to end as it says. */
export async function readArchive(responses: AsyncIterable<ReadTreeResponse>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let ended = false;
  for await (const { data, end } of responses) {
    if (ended) throw new Error('something came after the end');
    pieces.push(data);
    ended = end;
  }
  if (!ended) throw new Error('the archive is cut');
  return Buffer.concat(pieces);
}

/** The messages that unpack an archive. */
export async function* treeRequests(
  open: MessageInitShape<typeof WriteTreeOpenSchema>,
  archive: Uint8Array,
  {
    finish = true,
    pieceBytes = PIECE_BYTES,
  }: { readonly finish?: boolean; readonly pieceBytes?: number } = {},
): AsyncGenerator<MessageInitShape<typeof WriteTreeRequestSchema>> {
  yield { request: { case: 'open', value: open } };
  for (let at = 0; at < archive.byteLength; at += pieceBytes) {
    yield { request: { case: 'data', value: archive.subarray(at, at + pieceBytes) } };
  }
  if (finish) yield { request: { case: 'finish', value: {} } };
}
