import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { NETWORK_PIECE_BYTES } from '../../limits.ts';
import { drained } from './drained.ts';
import { InvalidAnswer } from './invalid-answer.ts';

/** How a body may be compressed. */
export type ContentCoding = 'gzip' | 'deflate' | 'br';

/** The coding that is undone, by the value of `content-encoding`; undefined: it is another, or none. */
export function contentCoding(value: string | undefined): ContentCoding | undefined {
  switch (value?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
      return 'deflate';
    case 'br':
      return 'br';
    default:
      return undefined;
  }
}

/**
 * What a body was before it was compressed. As much of it is read as is taken of what is made of
 * it, however much that is.
 *
 * @throws what the pieces throw; InvalidAnswer where they are not what they should be
 */
export async function* decodeBody(
  pieces: AsyncGenerator<Buffer>,
  coding: ContentCoding,
): AsyncGenerator<Buffer> {
  const first = await pieces.next();
  // A body without any bytes is one.
  if (first.done) return;
  const decoder = decoderOf(coding, first.value);
  const fed = feed(decoder, first.value, pieces);
  let cut: Error | undefined;
  fed.catch((error: Error) => {
    cut = error;
    decoder.destroy(error);
  });
  try {
    for await (const piece of decoder.iterator({ destroyOnReturn: false })) yield piece;
    await fed;
  } catch (error) {
    throw cut ?? new InvalidAnswer('INVALID_RESPONSE', error);
  } finally {
    decoder.destroy();
  }
}

async function feed(
  decoder: Transform,
  first: Buffer,
  pieces: AsyncGenerator<Buffer>,
): Promise<void> {
  if (!decoder.write(first)) await drained(decoder);
  for await (const piece of pieces) {
    if (decoder.destroyed) return;
    if (!decoder.write(piece)) await drained(decoder);
  }
  decoder.end();
}

function decoderOf(coding: ContentCoding, first: Buffer): Transform {
  const options = { chunkSize: NETWORK_PIECE_BYTES };
  if (coding === 'gzip') return createGunzip(options);
  if (coding === 'br') return createBrotliDecompress(options);
  // Some send it without the head that RFC 1950 wants.
  const isZlib = ((first[0] ?? 0) & 0x0f) === 8;
  return isZlib ? createInflate(options) : createInflateRaw(options);
}
