import { createHash } from 'node:crypto';
import { closeSync, fstatSync, writeSync } from 'node:fs';
import { FILE_PIECE_BYTES, FILE_TURN_MS } from '../../limits/files.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import type { Agent } from './agent.ts';
import { type FileSink, openSink } from './file-sink.ts';
import type { NamedPlace } from './places.ts';
import { findTarget } from './write-target.ts';

/** What is to be written, and how. */
export interface WriteFileArgs {
  readonly path: string;
  readonly disposition: 'replace' | 'create-new' | 'in-place' | 'append';
  /** Permission bits. Undefined: those of what it replaces, or of a new file. */
  readonly mode: number | undefined;
  /** Whether folders on the way are made. */
  readonly parents: boolean;
  /** The version that the file has to have; empty: any. */
  readonly ifVersion: string;
  /** What all bytes have to have; undefined: anything. */
  readonly sha256: Uint8Array | undefined;
  readonly size: bigint | undefined;
  /** Whether all is on the disk when it ends. */
  readonly sync: boolean;
}

/** How far it is. */
export type WriteFilePiece =
  /** It began. `place` tells the name that is written apart from all others, however it is reached. */
  | { readonly kind: 'ready'; readonly place: string }
  /** So many bytes were written in all. */
  | { readonly kind: 'accepted'; readonly bytes: bigint };

/** The bytes that come next; that these were all; or that it is given up. */
export type WriteFileInput = Uint8Array | 'finish' | 'drop';

/** What was written; undefined: it was given up. */
export interface WriteFileResult {
  readonly file: FileInfo;
  /** How many bytes were sent. */
  readonly bytes: bigint;
  readonly sha256: Uint8Array;
}

/** Writes a file. What it was given it may need some steps for: those say nothing. */
export function* writeFile(
  agent: Agent,
  args: WriteFileArgs,
): Generator<WriteFilePiece | undefined, WriteFileResult | undefined, WriteFileInput | undefined> {
  const { disposition, parents, path } = args;
  try {
    // As O_EXCL of open(2): a link is something that is there.
    const place = findTarget(agent, path, { follow: disposition !== 'create-new', parents });
    try {
      const sink = openSink(agent, place, args);
      try {
        return yield* writeTo(sink, args, nameOf(place));
      } finally {
        sink.close();
      }
    } finally {
      closeSync(place.folder);
    }
  } catch (error) {
    throw faultOf(error, 'write', path);
  }
}

function* writeTo(
  sink: FileSink,
  args: WriteFileArgs,
  place: string,
): Generator<WriteFilePiece | undefined, WriteFileResult | undefined, WriteFileInput | undefined> {
  const hash = createHash('sha256');
  let accepted = 0n;
  let piece: WriteFilePiece = { kind: 'ready', place };
  for (;;) {
    const input = yield piece;
    if (input === 'drop') return undefined;
    if (input === 'finish') break;
    if (input !== undefined) {
      accepted += BigInt(input.byteLength);
      if (args.size !== undefined && accepted > args.size) throw mismatch(args, accepted);
      for (const part of inTurns(input)) {
        if (part === undefined) {
          yield undefined;
          continue;
        }
        writeAll(sink, part);
        hash.update(part);
      }
    }
    piece = { kind: 'accepted', bytes: accepted };
  }
  const sha256 = new Uint8Array(hash.digest());
  if (args.size !== undefined && accepted !== args.size) throw mismatch(args, accepted);
  if (args.sha256 !== undefined && Buffer.compare(args.sha256, sha256) !== 0) {
    throw mismatch(args, accepted);
  }
  return { file: sink.finish(accepted), bytes: accepted, sha256 };
}

/** The parts of a message, and undefined wherever others are to have a turn. */
function* inTurns(bytes: Uint8Array): Generator<Uint8Array | undefined> {
  let until = performance.now() + FILE_TURN_MS;
  for (let at = 0; at < bytes.byteLength; at += FILE_PIECE_BYTES) {
    if (performance.now() > until) {
      yield undefined;
      until = performance.now() + FILE_TURN_MS;
    }
    yield bytes.subarray(at, at + FILE_PIECE_BYTES);
  }
}

function writeAll({ descriptor }: FileSink, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) {
    at += writeSync(descriptor, bytes, at, bytes.byteLength - at);
  }
}

function mismatch({ path }: WriteFileArgs, bytes: bigint): FileFault {
  return new FileFault(
    'CHECKSUM_MISMATCH',
    { operation: 'write_file', path },
    { bytes: String(bytes) },
  );
}

/** Tells a name in a folder apart from all others. */
function nameOf({ folder, name }: NamedPlace): string {
  const { dev, ino } = fstatSync(folder, { bigint: true });
  return `${dev} ${ino} ${name.toString('latin1')}`;
}
