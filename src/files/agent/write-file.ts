import { closeSync } from 'node:fs';
import type { Reason } from '../../errors.ts';
import { assertNotFenced, type Fence } from '../fence.ts';
import { type FaultMessage, faultOf } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import type { Agent } from './agent.ts';
import { type FileSink, openSink } from './file-sink.ts';
import type { NamedPlace } from './places.ts';
import { Received } from './received.ts';
import { identityOf } from './regular-file.ts';
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
  /**
   * It began. `place` tells the name that is written apart from all others, however it is reached;
   * `file` the file itself, where that is written to.
   */
  | { readonly kind: 'ready'; readonly place: string; readonly file: string | undefined }
  /** So many bytes were written in all. */
  | { readonly kind: 'accepted'; readonly bytes: bigint }
  /** So many were, and no more for now: it may be gone on with. */
  | { readonly kind: 'refused'; readonly bytes: bigint; readonly fault: FaultMessage };

/** That these were all the bytes, until `fence` is closed. */
export interface WriteFileFinish {
  readonly finish: Fence;
}

/** The bytes that come next; that these were all; or that it is given up. */
export type WriteFileInput = Uint8Array | WriteFileFinish | 'drop';

/** What was written; undefined: it was given up. */
export interface WriteFileResult {
  readonly file: FileInfo;
  /** How many bytes were sent. */
  readonly bytes: bigint;
  readonly sha256: Uint8Array;
}

type Steps = Generator<
  WriteFilePiece | undefined,
  WriteFileResult | undefined,
  WriteFileInput | undefined
>;

/** Writes a file. What it was given it may need some steps for: those say nothing. */
export function* writeFile(agent: Agent, args: WriteFileArgs): Steps {
  return yield* inSink(agent, args, (sink, place) => writeTo(sink, args, place));
}

/** Opens where a file is written to, and does something there. `place`: as in {@link WriteFilePiece}. */
export function* inSink<P, R, I>(
  agent: Agent,
  args: WriteFileArgs,
  use: (sink: FileSink, place: string) => Generator<P, R, I>,
): Generator<P | undefined, R, I> {
  const { disposition, parents, path } = args;
  try {
    // As O_EXCL of open(2): a link is something that is there.
    const follow = disposition !== 'create-new';
    const place = yield* findTarget(agent, path, { follow, parents });
    try {
      const sink = openSink(agent, place, args);
      try {
        return yield* use(sink, nameOf(place));
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

/** What an upload is over with, whatever it is written to. */
export const FINAL: readonly Reason[] = ['CHECKSUM_MISMATCH', 'VERSION_MISMATCH'];

function* writeTo(sink: FileSink, args: WriteFileArgs, place: string): Steps {
  const received = new Received(args);
  let piece: WriteFilePiece = { kind: 'ready', place, file: sink.file };
  for (;;) {
    const input = yield piece;
    if (input === 'drop') return undefined;
    try {
      if (input !== undefined && 'finish' in input) {
        const sha256 = received.check();
        const assertWanted = (): void => assertNotFenced(input.finish, args.path);
        const file = sink.finish(received.bytes, assertWanted);
        return { file, bytes: received.bytes, sha256 };
      }
      if (input !== undefined) {
        if (received.bytes === 0n) sink.begin();
        yield* received.write(sink.descriptor, input);
      }
      piece = { kind: 'accepted', bytes: received.bytes };
    } catch (error) {
      const { failure, metadata, reason } = faultOf(error, 'write', args.path);
      // Another call may say so again.
      if (reason === 'UPLOAD_SUPERSEDED') {
        piece = { kind: 'accepted', bytes: received.bytes };
        continue;
      }
      if (sink.file === undefined || FINAL.includes(reason)) throw error;
      // What was written is there, and may be gone on with: nobody could write it again.
      piece = { kind: 'refused', bytes: received.bytes, fault: { failure, metadata, reason } };
    }
  }
}

/** Tells a name in a folder apart from all others. */
function nameOf({ folder, name }: NamedPlace): string {
  return `${identityOf(folder)} ${name.toString('latin1')}`;
}
