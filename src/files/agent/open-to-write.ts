import { fstatSync } from 'node:fs';
import { assertNotFenced, type Fence } from '../fence.ts';
import { type FaultMessage, faultOf } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import type { Agent } from './agent.ts';
import { type Expected, Received } from './received.ts';
import { assertRegular } from './regular-file.ts';
import { FINAL, inSink, type WriteFileArgs, type WriteFilePiece } from './write-file.ts';

/* A file that is written in one process, and opened, named and put into its place in another. */

/** How far that which opens it is. */
export type OpenToWritePiece =
  /** It is open; the rest is as in {@link WriteFilePiece}. */
  | {
      readonly kind: 'opened';
      readonly place: string;
      readonly file: string | undefined;
      readonly descriptor: number;
    }
  /** Its first byte may be written. */
  | { readonly kind: 'begun' }
  /** Whoever said that all was sent is gone; another may say so again. */
  | { readonly kind: 'superseded' }
  /** Not now; it may be asked for again. */
  | { readonly kind: 'refused'; readonly fault: FaultMessage };

/** That so many bytes were all, unless `fence` is closed when that is told. */
export interface OpenToWriteFinish {
  readonly bytes: bigint;
  readonly fence: Fence;
}

/** That the first byte is about to be written; that these were all; or that it is given up. */
export type OpenToWriteInput = 'begin' | OpenToWriteFinish | 'drop';

/** Opens a file to be written by {@link writeOpened}, and gives it its place then. */
export function* openToWrite(
  agent: Agent,
  args: WriteFileArgs,
): Generator<OpenToWritePiece | undefined, FileInfo | undefined, OpenToWriteInput> {
  return yield* inSink(agent, args, function* (sink, place) {
    const { descriptor, file } = sink;
    let piece: OpenToWritePiece = { kind: 'opened', place, file, descriptor };
    for (;;) {
      const input: OpenToWriteInput = yield piece;
      if (input === 'drop') return undefined;
      try {
        if (input !== 'begin') {
          const assertWanted = (): void => assertNotFenced(input.fence, args.path);
          return sink.finish(input.bytes, assertWanted);
        }
        sink.begin();
        piece = { kind: 'begun' };
      } catch (error) {
        const fault = faultOf(error, 'write', args.path);
        if (fault.reason === 'UPLOAD_SUPERSEDED') {
          piece = { kind: 'superseded' };
          continue;
        }
        if (file === undefined || FINAL.includes(fault.reason)) throw error;
        piece = { kind: 'refused', fault: messageOf(fault) };
      }
    }
  });
}

/** A file that was opened elsewhere. */
export interface WriteOpenedArgs extends Expected {
  /** Stays open: whoever gave it closes it. */
  readonly descriptor: number;
  /** Whether the file was there before, so that what was written of it is there whatever comes. */
  readonly isItself: boolean;
}

/** How far that which writes is. */
export type WriteOpenedPiece =
  | Exclude<WriteFilePiece, { readonly kind: 'ready' }>
  /** It is all that was expected. */
  | { readonly kind: 'checked'; readonly bytes: bigint; readonly sha256: Uint8Array };

/** The bytes that come next, or that these were all. */
export type WriteOpenedInput = Uint8Array | 'check';

/** Writes to a file that was opened elsewhere, as `writeFile` does; to a descriptor of something else nothing. */
export function* writeOpened(
  _agent: Agent,
  args: WriteOpenedArgs,
): Generator<WriteOpenedPiece | undefined, never, WriteOpenedInput | undefined> {
  const { descriptor, isItself, path } = args;
  assertRegular(fstatSync(descriptor, { bigint: true }), path);
  const received = new Received(args);
  let piece: WriteOpenedPiece = { kind: 'accepted', bytes: 0n };
  for (;;) {
    const input = yield piece;
    try {
      if (input === 'check') {
        const sha256 = received.check();
        piece = { kind: 'checked', bytes: received.bytes, sha256 };
        continue;
      }
      if (input !== undefined) yield* received.write(descriptor, input);
      piece = { kind: 'accepted', bytes: received.bytes };
    } catch (error) {
      const fault = faultOf(error, 'write', path);
      if (!isItself || FINAL.includes(fault.reason)) throw fault;
      piece = { kind: 'refused', bytes: received.bytes, fault: messageOf(fault) };
    }
  }
}

function messageOf({ failure, metadata, reason }: FaultMessage): FaultMessage {
  return { failure, metadata, reason };
}
