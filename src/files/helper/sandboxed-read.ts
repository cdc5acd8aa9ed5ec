import { RunletError } from '../../errors.ts';
import type { Asker } from '../../turn-queue.ts';
import type { ReadFileArgs, ReadFileEnd, ReadFilePiece } from '../agent/read-file.ts';
import type { FileWorkers } from '../workers/file-workers.ts';
import type { Steps, TaskStep } from '../workers/task.ts';
import { closeLater, nextPiece } from './opened-elsewhere.ts';

/** Who does what. */
export interface SandboxedStream {
  readonly asker: Asker;
  /** In the sandbox. */
  readonly helper: FileWorkers;
  /** Outside of it. */
  readonly threads: FileWorkers;
}

/** Reads a file that is opened in a sandbox, and read by a thread of ours: no byte goes through the helper. */
export class SandboxedRead implements Steps<ReadFilePiece, ReadFileEnd, Uint8Array | undefined> {
  readonly #args: ReadFileArgs;
  readonly #stream: SandboxedStream;
  readonly #opening;
  #reading: Steps<ReadFilePiece, ReadFileEnd, Uint8Array | undefined> | undefined;
  #closed = false;

  constructor(stream: SandboxedStream, args: ReadFileArgs) {
    this.#args = args;
    this.#stream = stream;
    const { path, ifVersion } = args;
    this.#opening = stream.helper.begin(stream.asker, 'openToRead', { path, ifVersion });
  }

  next(spare?: Uint8Array): Promise<TaskStep<ReadFilePiece, ReadFileEnd>> {
    return this.#reading?.next(spare) ?? this.#open();
  }

  close(): void {
    this.#closed = true;
    this.#opening.close();
    this.#reading?.close();
  }

  async #open(): Promise<TaskStep<ReadFilePiece, ReadFileEnd>> {
    const { piece } = await nextPiece(this.#opening);
    this.#opening.close();
    if (piece === undefined) throw new RunletError('INTERNAL');
    const { descriptor, file } = piece;
    const { length, offset, path } = this.#args;
    const { modifyNs, size } = file;
    const args = { descriptor, path, offset, length, size, modifyNs };
    const { asker, threads } = this.#stream;
    this.#reading = threads.begin(asker, 'readOpened', args, () => closeLater(descriptor));
    if (this.#closed) this.#reading.close();
    return { done: false, piece: { kind: 'file', file } };
  }
}
