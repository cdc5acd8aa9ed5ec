import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync, readSync } from 'node:fs';
import { FILE_PIECE_BYTES, FILE_TURN_MS } from '../../limits/files.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import { type Agent, withDescriptor } from './agent.ts';
import { DATA_MESSAGE_ROOM, dataMessage } from './data-message.ts';
import { assertRegular, assertVersion, openRegular } from './regular-file.ts';

/** What of a file is read. */
export interface ReadFileArgs {
  readonly path: string;
  /** The position of the first byte. */
  readonly offset: bigint;
  /** How many bytes at most. Undefined: to the end. */
  readonly length: bigint | undefined;
  /** The version that it has to have; empty: any. */
  readonly ifVersion: string;
}

/** What comes of a file: what it is, then what is in it. */
export type ReadFilePiece =
  | { readonly kind: 'file'; readonly file: FileInfo }
  /** An encoded `ReadFileResponse`. */
  | { readonly kind: 'data'; readonly bytes: Uint8Array };

/** All came. */
export interface ReadFileEnd {
  readonly bytes: bigint;
  readonly sha256: Uint8Array;
}

/** Positions of pread(2) end here. */
const MAX_POSITION = 2n ** 63n - 1n - BigInt(FILE_PIECE_BYTES);

/** A file that was opened elsewhere, and what of it is read. */
export interface ReadOpenedArgs extends Omit<ReadFileArgs, 'ifVersion'> {
  /** Stays open: whoever gave it closes it. */
  readonly descriptor: number;
  /** What it was when it was opened. */
  readonly size: bigint;
  readonly modifyNs: bigint;
}

/**
 * Reads a file to where it ended when it was opened. A step may be given the memory of a piece
 * that is done with, which is used again.
 */
export function* readFile(
  agent: Agent,
  { ifVersion, path, ...part }: ReadFileArgs,
): Generator<ReadFilePiece, ReadFileEnd, Uint8Array | undefined> {
  const descriptor = open(agent, path, ifVersion);
  try {
    const start = fstatSync(descriptor, { bigint: true });
    assertVersion(start, ifVersion, { operation: 'read_file', path });
    const spare = yield { kind: 'file', file: agent.info(start, path, undefined) };
    const { mtimeNs: modifyNs, size } = start;
    return yield* readAll({ descriptor, path, ...part, size, modifyNs }, spare);
  } catch (error) {
    throw faultOf(error, 'read', path);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens a file for {@link readOpened}. The descriptor is open until the next step. */
export function* openToRead(
  agent: Agent,
  { ifVersion, path }: Pick<ReadFileArgs, 'ifVersion' | 'path'>,
): Generator<{ readonly file: FileInfo; readonly descriptor: number }, void> {
  const descriptor = open(agent, path, ifVersion);
  try {
    const start = fstatSync(descriptor, { bigint: true });
    assertVersion(start, ifVersion, { operation: 'read_file', path });
    yield { file: agent.info(start, path, undefined), descriptor };
  } catch (error) {
    throw faultOf(error, 'read', path);
  } finally {
    closeSync(descriptor);
  }
}

/** Reads a file that was opened elsewhere, as {@link readFile} does; of a descriptor of something else nothing. */
export function* readOpened(
  _agent: Agent,
  args: ReadOpenedArgs,
): Generator<ReadFilePiece, ReadFileEnd, Uint8Array | undefined> {
  const { descriptor, path } = args;
  try {
    const now = fstatSync(descriptor, { bigint: true });
    assertRegular(now, path);
    assertSame(args, now, path);
    return yield* readAll(args, undefined);
  } catch (error) {
    throw faultOf(error, 'read', path);
  }
}

function* readAll(
  { descriptor, length, modifyNs, offset, path, size }: ReadOpenedArgs,
  memoryAtHand: Uint8Array | undefined,
): Generator<ReadFilePiece, ReadFileEnd, Uint8Array | undefined> {
  const hash = createHash('sha256');
  const end = endOf(size, offset, length);
  let spare = memoryAtHand;
  let at = offset;
  while (at < end) {
    const memory = memoryFor(end - at, spare);
    const bytes = fill(descriptor, memory, at, end);
    if (bytes === 0) break;
    hash.update(memory.subarray(DATA_MESSAGE_ROOM, DATA_MESSAGE_ROOM + bytes));
    const message = dataMessage(memory, bytes, at);
    at += BigInt(bytes);
    spare = yield { kind: 'data', bytes: message };
  }
  assertSame({ size, modifyNs }, fstatSync(descriptor, { bigint: true }), path);
  return { bytes: at - offset, sha256: new Uint8Array(hash.digest()) };
}

function open(agent: Agent, path: string, ifVersion: string): number {
  try {
    return withDescriptor(agent.places.find(path, { follow: true }), (found) =>
      openRegular(found, constants.O_RDONLY, path),
    );
  } catch (error) {
    const fault = faultOf(error, 'open', path);
    if (fault.reason !== 'FILE_NOT_FOUND') throw fault;
    assertVersion(undefined, ifVersion, { operation: 'read_file', path });
    throw fault;
  }
}

/** Where reading ends at the latest. One without a size, as in proc(5), may have content all the same. */
function endOf(size: bigint, offset: bigint, length: bigint | undefined): bigint {
  const last = size === 0n ? MAX_POSITION : size;
  if (length === undefined || offset + length > last) return last;
  return offset + length;
}

/** Memory for a message of so many bytes or a piece, whatever is less. */
function memoryFor(bytes: bigint, spare: Uint8Array | undefined): Uint8Array {
  const wanted = DATA_MESSAGE_ROOM + (bytes < FILE_PIECE_BYTES ? Number(bytes) : FILE_PIECE_BYTES);
  return spare !== undefined && spare.byteLength >= wanted ? spare : new Uint8Array(wanted);
}

/** Reads as much as there is room for, or time: in proc(5) each read has a page at most. */
function fill(descriptor: number, memory: Uint8Array, at: bigint, end: bigint): number {
  const room = memory.byteLength - DATA_MESSAGE_ROOM;
  const wanted = end - at < room ? Number(end - at) : room;
  const giveUp = performance.now() + FILE_TURN_MS;
  let bytes = 0;
  while (bytes < wanted && (bytes === 0 || performance.now() < giveUp)) {
    const position = at + BigInt(bytes);
    const read = readSync(descriptor, memory, DATA_MESSAGE_ROOM + bytes, wanted - bytes, position);
    if (read === 0) break;
    bytes += read;
  }
  return bytes;
}

/**
 * One that only grew is what it was, to where it ended. The time of change says nothing: it is
 * set, too, when the file loses its name to another that replaces it.
 *
 * @throws FileFault `FILE_CHANGED`
 */
function assertSame(
  start: Pick<ReadOpenedArgs, 'modifyNs' | 'size'>,
  now: BigIntStats,
  path: string,
): void {
  const grew = now.size > start.size;
  if (grew || (now.size === start.size && now.mtimeNs === start.modifyNs)) return;
  // Those of proc(5) are made as they are read.
  if (start.size === 0n) return;
  throw new FileFault('FILE_CHANGED', { operation: 'read_file', path });
}
