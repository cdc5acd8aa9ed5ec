import type { Asker } from '../../turn-queue.ts';
import type {
  OperationArgs,
  OperationInput,
  OperationName,
  OperationPiece,
  OperationResult,
} from '../agent/operations.ts';
import type { Steps } from './task.ts';

/** What does operations on files, by the names that it sees. */
export interface FileOperations {
  /**
   * Does an operation to its end, whatever pieces it yields.
   *
   * @throws RunletError what it failed with; the signal's reason when that aborts
   */
  run<K extends OperationName>(
    asker: Asker,
    operation: K,
    args: OperationArgs<K>,
    signal?: AbortSignal,
  ): Promise<OperationResult<K>>;

  /** Begins an operation that is done step by step. It must be closed in the end. */
  begin<K extends OperationName>(
    asker: Asker,
    operation: K,
    args: OperationArgs<K>,
  ): Steps<OperationPiece<K>, OperationResult<K>, OperationInput<K>>;

  /** Keeps what does them from ending while nothing is asked for, until it is released. */
  keep(): () => void;
}

/** Does what was begun to its end, and closes it. */
export async function runToEnd<Piece, Result, Input>(
  steps: Steps<Piece, Result, Input>,
  signal?: AbortSignal,
): Promise<Result> {
  const onAbort = (): void => steps.close();
  signal?.addEventListener('abort', onAbort);
  try {
    for (;;) {
      signal?.throwIfAborted();
      // To its end also where nobody waits any more: whoever repeats it has to know what came of it.
      const step = await steps.next();
      if (step.done) return step.result;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    steps.close();
  }
}
