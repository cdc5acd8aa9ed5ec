import { interrupted } from './trees.ts';

/** Gives a stream the first time. */
export function once(archive: AsyncIterable<Uint8Array>): () => AsyncIterable<Uint8Array> {
  let isTaken = false;
  return () => {
    if (isTaken) throw interrupted('an archive was sent');
    isTaken = true;
    return archive;
  };
}
