import type { CallContext } from '../../../bridge/call-context.ts';
import type { Steps } from '../../../files/workers/task.ts';

/**
 * The pieces of an operation, translated, each when the one before was taken; then its answer. It
 * is given up when the call is over, also while a step is under way.
 *
 * @throws RunletError what it failed with
 */
export async function* taskPieces<Piece, Result, Message>(
  task: Steps<Piece, Result, never>,
  context: CallContext,
  translate: (piece: Piece) => Message,
): AsyncGenerator<Message, Result> {
  context.defer(() => task.close());
  try {
    for (;;) {
      context.signal.throwIfAborted();
      const step = await task.next();
      if (step.done) return step.result;
      if (step.piece !== undefined) yield translate(step.piece);
    }
  } finally {
    task.close();
  }
}
