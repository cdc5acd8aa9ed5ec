import type { BlockHeader } from './block.ts';
import {
  decodeRecordHeader,
  decodeSegmentHeader,
  isIntact,
  RECORD_HEADER_BYTES,
  SEGMENT_PREFIX_BYTES,
  type SegmentHeader,
  segmentHeaderBytes,
} from './segment-format.ts';
import { SpoolError, toSpoolError } from './spool-error.ts';
import { openToRead, readFully, type SpoolFile } from './spool-files.ts';

/** A block that was read back. */
export interface SegmentBlock {
  readonly header: BlockHeader;
  readonly payload: Buffer;
}

/**
 * What a file says of itself; undefined if its server ended before it had written
 * that.
 *
 * @throws SpoolError if it cannot be read, or is damaged or not a segment file
 */
export async function readSegmentHeader(path: string): Promise<SegmentHeader | undefined> {
  const file = await openSegment(path);
  try {
    return (await headerOf(file))?.header;
  } catch (error) {
    throw toSpoolError('read', error);
  } finally {
    await file.close();
  }
}

/**
 * The blocks of a file, in order, with nothing known but the file. Ends before a
 * last block that was not written in full.
 *
 * @throws SpoolError if it cannot be read, or is damaged or not a segment file
 */
export async function* readSegment(path: string): AsyncGenerator<SegmentBlock, void, void> {
  const file = await openSegment(path);
  try {
    const start = await headerOf(file);
    let position = start?.bytes ?? 0;
    for (let block = start && (await blockAt(file, position)); block !== undefined; ) {
      yield block;
      position += RECORD_HEADER_BYTES + block.payload.byteLength;
      block = await blockAt(file, position);
    }
  } catch (error) {
    throw toSpoolError('read', error);
  } finally {
    await file.close();
  }
}

async function openSegment(path: string): Promise<SpoolFile> {
  try {
    return await openToRead(path);
  } catch (error) {
    throw toSpoolError('open', error);
  }
}

async function headerOf(
  file: SpoolFile,
): Promise<{ readonly header: SegmentHeader; readonly bytes: number } | undefined> {
  const prefix = await bytesAt(file, 0, SEGMENT_PREFIX_BYTES);
  if (prefix === undefined) return undefined;
  const bytes = await bytesAt(file, 0, segmentHeaderBytes(prefix));
  if (bytes === undefined) return undefined;
  const header = decodeSegmentHeader(bytes);
  if (header === undefined) throw new SpoolError('read', 'EBADMSG');
  return { header, bytes: bytes.byteLength };
}

/** Undefined if the file ends before the block does. */
async function blockAt(file: SpoolFile, position: number): Promise<SegmentBlock | undefined> {
  const head = await bytesAt(file, position, RECORD_HEADER_BYTES);
  if (head === undefined) return undefined;
  const record = decodeRecordHeader(head);
  if (record === undefined) throw new SpoolError('read', 'EBADMSG');
  const payload = await bytesAt(file, position + RECORD_HEADER_BYTES, record.payloadBytes);
  if (payload === undefined) return undefined;
  if (!isIntact(record, payload)) throw new SpoolError('read', 'EBADMSG');
  const { firstSeq, eventCount, before } = record;
  return { header: { firstSeq, eventCount, before }, payload };
}

/** Undefined if there are not that many. */
async function bytesAt(
  file: SpoolFile,
  position: number,
  count: number,
): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafeSlow(count);
  return (await readFully(file, bytes, position)) === count ? bytes : undefined;
}
