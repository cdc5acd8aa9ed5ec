import type { Asker } from '../../turn-queue.ts';
import type {
  OperationArgs,
  OperationInput,
  OperationName,
  OperationPiece,
  OperationResult,
} from '../agent/operations.ts';
import type { ReadFileArgs } from '../agent/read-file.ts';
import type { WriteFileArgs } from '../agent/write-file.ts';
import { type FileOperations, runToEnd } from '../workers/file-operations.ts';
import type { FileWorkers } from '../workers/file-workers.ts';
import type { Steps } from '../workers/task.ts';
import { SandboxedRead } from './sandboxed-read.ts';
import { SandboxedWrite } from './sandboxed-write.ts';

/** What files in a sandbox are reached with. */
export interface SandboxedFilesOptions {
  /** That which does operations in the sandbox: begun when it is needed. */
  helper(): FileWorkers;
  /** Threads of ours, which read and write what was opened in it. */
  readonly threads: FileWorkers;
}

/**
 * Operations on files by the names that a sandbox has. All that touches names is done in there;
 * what is in a file that was opened is read and written by threads of ours.
 */
export class SandboxedFiles implements FileOperations {
  readonly #options: SandboxedFilesOptions;

  constructor(options: SandboxedFilesOptions) {
    this.#options = options;
  }

  run<K extends OperationName>(
    asker: Asker,
    operation: K,
    args: OperationArgs<K>,
    signal?: AbortSignal,
  ): Promise<OperationResult<K>> {
    return runToEnd(this.begin(asker, operation, args), signal);
  }

  begin<K extends OperationName>(
    asker: Asker,
    operation: K,
    args: OperationArgs<K>,
  ): Steps<OperationPiece<K>, OperationResult<K>, OperationInput<K>> {
    const { helper, threads } = this.#options;
    const stream = { asker, helper: helper(), threads };
    const streams: Readonly<Partial<Record<OperationName, () => unknown>>> = {
      readFile: () => new SandboxedRead(stream, args as ReadFileArgs),
      writeFile: () => new SandboxedWrite(stream, args as WriteFileArgs),
    };
    type Begun = Steps<OperationPiece<K>, OperationResult<K>, OperationInput<K>>;
    const open = streams[operation];
    if (open !== undefined) return open() as Begun;
    const steps = stream.helper.begin(asker, operation, args);
    return operation === 'readTree' ? withoutInput(steps) : steps;
  }

  keep(): () => void {
    return this.#options.helper().keep();
  }
}

/** Memory that may be used again is of use to a thread alone. */
function withoutInput<Piece, Result, Input>(
  steps: Steps<Piece, Result, Input>,
): Steps<Piece, Result, Input> {
  return { next: () => steps.next(), close: () => steps.close() };
}
