import { crc32 } from 'node:zlib';
import { SPOOL_JOIN_BYTES } from '../sizes.ts';
import type { BlockHeader } from './block.ts';

/**
 * The bytes of segment files. docs/spool.md documents them, and changes together
 * with this file. All numbers are little-endian; a checksum is a CRC-32 and comes
 * after all that it covers.
 */

/** What a segment file says of itself. */
export interface SegmentHeader {
  readonly processId: string;
  /** Which of the process's files it is, counted from 0. */
  readonly segment: number;
  /** When it was made, in milliseconds since 1970. */
  readonly createdMs: number;
}

/** A block's header, as it is in a file. */
export interface RecordHeader extends BlockHeader {
  readonly payloadBytes: number;
  readonly payloadCrc: number;
}

/** A block as it is written. */
export interface EncodedRecord {
  readonly pieces: readonly Uint8Array[];
  /** Of all pieces together. */
  readonly bytes: number;
}

const FILE_MAGIC = Buffer.from('RLSPOOL\n', 'latin1');
const FORMAT_VERSION = 1;
const RECORD_MAGIC = Buffer.from('RLBK', 'latin1');
const CRC_BYTES = 4;

/** Bytes of a file's header before the process id, whose length is among them. */
export const SEGMENT_PREFIX_BYTES = 24;

/** Bytes of a block's header. */
export const RECORD_HEADER_BYTES = 52;

/** Bytes of a process id at most: its length has 16 bits. */
export const MAX_PROCESS_ID_BYTES = 0xffff;

/** The header of a file. */
export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const id = Buffer.from(header.processId);
  const bytes = Buffer.alloc(SEGMENT_PREFIX_BYTES + id.byteLength + CRC_BYTES);
  bytes.set(FILE_MAGIC, 0);
  bytes.writeUInt16LE(FORMAT_VERSION, 8);
  bytes.writeUInt16LE(id.byteLength, 10);
  bytes.writeUInt32LE(header.segment, 12);
  bytes.writeBigUInt64LE(BigInt(header.createdMs), 16);
  bytes.set(id, SEGMENT_PREFIX_BYTES);
  return sealed(bytes);
}

/** How long the header of a file is, by its first {@link SEGMENT_PREFIX_BYTES} bytes. */
export function segmentHeaderBytes(prefix: Buffer): number {
  return SEGMENT_PREFIX_BYTES + prefix.readUInt16LE(10) + CRC_BYTES;
}

/** Undefined if it is not the whole and undamaged header of a file of this version. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (!isSealed(bytes, FILE_MAGIC) || bytes.readUInt16LE(8) !== FORMAT_VERSION) return undefined;
  return {
    segment: bytes.readUInt32LE(12),
    createdMs: Number(bytes.readBigUInt64LE(16)),
    processId: bytes.toString('utf8', SEGMENT_PREFIX_BYTES, bytes.byteLength - CRC_BYTES),
  };
}

/** A block with its header. Larger pieces of the payload are taken as they are. */
export function encodeRecord(header: BlockHeader, payload: readonly Uint8Array[]): EncodedRecord {
  const pieces = joinSmall(payload);
  let payloadBytes = 0;
  let payloadCrc = 0;
  for (const piece of pieces) {
    payloadBytes += piece.byteLength;
    payloadCrc = crc32(piece, payloadCrc);
  }
  const head = Buffer.alloc(RECORD_HEADER_BYTES);
  head.set(RECORD_MAGIC, 0);
  head.writeUInt32LE(payloadBytes, 4);
  head.writeUInt32LE(payloadCrc, 8);
  head.writeUInt32LE(header.eventCount, 12);
  head.writeBigUInt64LE(BigInt(header.firstSeq), 16);
  head.writeBigUInt64LE(BigInt(header.before.stdout), 24);
  head.writeBigUInt64LE(BigInt(header.before.stderr), 32);
  head.writeBigUInt64LE(BigInt(header.before.terminal), 40);
  return { pieces: [sealed(head), ...pieces], bytes: RECORD_HEADER_BYTES + payloadBytes };
}

/** Undefined if it is not the undamaged header of a block. */
export function decodeRecordHeader(bytes: Buffer): RecordHeader | undefined {
  if (!isSealed(bytes, RECORD_MAGIC)) return undefined;
  return {
    payloadBytes: bytes.readUInt32LE(4),
    payloadCrc: bytes.readUInt32LE(8),
    eventCount: bytes.readUInt32LE(12),
    firstSeq: Number(bytes.readBigUInt64LE(16)),
    before: {
      stdout: Number(bytes.readBigUInt64LE(24)),
      stderr: Number(bytes.readBigUInt64LE(32)),
      terminal: Number(bytes.readBigUInt64LE(40)),
    },
  };
}

/** Whether the payload is what the header was made for. */
export function isIntact(header: RecordHeader, payload: Buffer): boolean {
  return payload.byteLength === header.payloadBytes && crc32(payload) === header.payloadCrc;
}

/** Puts the checksum of all before it into the last bytes. */
function sealed(bytes: Buffer): Buffer {
  const end = bytes.byteLength - CRC_BYTES;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
  return bytes;
}

function isSealed(bytes: Buffer, magic: Buffer): boolean {
  const end = bytes.byteLength - CRC_BYTES;
  return (
    bytes.subarray(0, magic.byteLength).equals(magic) &&
    crc32(bytes.subarray(0, end)) === bytes.readUInt32LE(end)
  );
}

/**
 * The same bytes in fewer pieces: a piece costs a call for its checksum and an
 * element of `writev`, which for events of some twenty bytes is more than the
 * bytes themselves cost.
 */
function joinSmall(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const joined: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  const endRun = (): void => {
    const [first] = run;
    if (first !== undefined) joined.push(run.length === 1 ? first : Buffer.concat(run));
    run = [];
  };
  for (const piece of pieces) {
    if (piece.byteLength < SPOOL_JOIN_BYTES) {
      run.push(piece);
    } else {
      endRun();
      joined.push(piece);
    }
  }
  endRun();
  return joined;
}
