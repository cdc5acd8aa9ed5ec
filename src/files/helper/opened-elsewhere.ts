import { close } from 'node:fs';
import type { Steps } from '../workers/task.ts';

/** The next piece that says something; undefined: it is over, with this result. */
export async function nextPiece<Piece, Result, Input>(
  steps: Steps<Piece, Result, Input>,
  input?: Input,
): Promise<{ readonly piece: Piece } | { readonly piece: undefined; readonly result: Result }> {
  let step = await steps.next(input);
  while (!step.done && step.piece === undefined) step = await steps.next();
  if (step.done) return { piece: undefined, result: step.result };
  return { piece: step.piece as Piece };
}

/** Closes what was passed here, of which a file system may be slow to take leave. */
export function closeLater(descriptor: number): void {
  close(descriptor, () => {});
}
