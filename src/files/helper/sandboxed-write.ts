import { RunletError } from '../../errors.ts';
import type { WriteOpenedInput, WriteOpenedPiece } from '../agent/open-to-write.ts';
import type {
  WriteFileArgs,
  WriteFileInput,
  WriteFilePiece,
  WriteFileResult,
} from '../agent/write-file.ts';
import type { Fence } from '../fence.ts';
import type { Steps, TaskStep } from '../workers/task.ts';
import { closeLater, nextPiece } from './opened-elsewhere.ts';
import type { SandboxedStream } from './sandboxed-read.ts';

type WriteStep = TaskStep<WriteFilePiece, WriteFileResult | undefined>;

/**
 * Writes a file that is opened and gets its place in a sandbox, and is written by a thread of ours:
 * no byte goes through the helper.
 */
export class SandboxedWrite
  implements Steps<WriteFilePiece, WriteFileResult | undefined, WriteFileInput>
{
  readonly #args: WriteFileArgs;
  readonly #stream: SandboxedStream;
  readonly #opening;
  #writing: Steps<WriteOpenedPiece, never, WriteOpenedInput> | undefined;
  /** The first byte may be written: of a new file it always may. */
  #begun = false;
  #closed = false;

  constructor(stream: SandboxedStream, args: WriteFileArgs) {
    this.#args = args;
    this.#stream = stream;
    this.#opening = stream.helper.begin(stream.asker, 'openToWrite', args);
  }

  async next(input?: WriteFileInput): Promise<WriteStep> {
    try {
      if (this.#writing === undefined) return await this.#open();
      if (input === 'drop') return await this.#drop();
      if (input !== undefined && 'finish' in input) {
        return await this.#finish(this.#writing, input.finish);
      }
      return await this.#write(this.#writing, input);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#opening.close();
    this.#writing?.close();
  }

  async #open(): Promise<WriteStep> {
    const { piece } = await nextPiece(this.#opening);
    if (piece?.kind !== 'opened') throw new RunletError('INTERNAL');
    const { descriptor, file, place } = piece;
    const { path, sha256, size } = this.#args;
    const args = { descriptor, path, sha256, size, isItself: file !== undefined };
    const { asker, threads } = this.#stream;
    const onOver = (): void => closeLater(descriptor);
    this.#writing = threads.begin(asker, 'writeOpened', args, onOver);
    this.#begun = file === undefined;
    if (this.#closed) this.#writing.close();
    else await nextPiece(this.#writing);
    return { done: false, piece: { kind: 'ready', place, file } };
  }

  async #write(
    writing: Steps<WriteOpenedPiece, never, WriteOpenedInput>,
    input: Uint8Array | undefined,
  ): Promise<WriteStep> {
    if (!this.#begun) {
      const { piece } = await nextPiece(this.#opening, 'begin');
      if (piece?.kind === 'refused') return refused(0n, piece);
      this.#begun = true;
    }
    return told(await nextPiece(writing, input));
  }

  async #finish(
    writing: Steps<WriteOpenedPiece, never, WriteOpenedInput>,
    fence: Fence,
  ): Promise<WriteStep> {
    const checked = await nextPiece(writing, 'check');
    if (checked.piece?.kind !== 'checked') return told(checked);
    const { bytes, sha256 } = checked.piece;
    const finished = await nextPiece(this.#opening, { bytes, fence });
    if (finished.piece?.kind === 'superseded') {
      return { done: false, piece: { kind: 'accepted', bytes } };
    }
    if (finished.piece?.kind === 'refused') return refused(bytes, finished.piece);
    if (finished.piece !== undefined || finished.result === undefined) {
      throw new RunletError('INTERNAL');
    }
    this.close();
    return { done: true, result: { file: finished.result, bytes, sha256 } };
  }

  async #drop(): Promise<WriteStep> {
    this.#writing?.close();
    await nextPiece(this.#opening, 'drop');
    this.close();
    return { done: true, result: undefined };
  }
}

function refused(
  bytes: bigint,
  { fault }: Pick<Extract<WriteFilePiece, { kind: 'refused' }>, 'fault'>,
): WriteStep {
  return { done: false, piece: { kind: 'refused', bytes, fault } };
}

function told({ piece }: { readonly piece: WriteOpenedPiece | undefined }): WriteStep {
  if (piece === undefined || piece.kind === 'checked') throw new RunletError('INTERNAL');
  return { done: false, piece };
}
