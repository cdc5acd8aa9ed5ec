import { closeSync } from 'node:fs';
import { faultOf } from '../file-fault.ts';
import type { Agent } from './agent.ts';
import { joinPath, textOfName } from './byte-name.ts';
import { describeEntry } from './describe-entry.ts';
import { type ListingPiece, ListingPieces } from './listing.ts';
import { openNames } from './names-in.ts';

/** What a listing is told as where the system says no more. */
const OPERATION = 'list_directory';

/** Tells what is in a folder, in no order. What is gone when it is looked at is left out. */
export function* listDirectory(
  agent: Agent,
  { path }: { readonly path: string },
): Generator<ListingPiece | undefined, void> {
  const folder = agent.places.find(path, { follow: true });
  try {
    const names = openNames(folder);
    try {
      const pieces = new ListingPieces();
      for (let some = names.read(); some.length > 0; some = names.read()) {
        for (const { name } of some) {
          const entry = joinPath(path, textOfName(name));
          try {
            const found = describeEntry(agent, folder, name, entry);
            if (found !== undefined) pieces.addFile(found.info);
          } catch (error) {
            pieces.addFailure(error, OPERATION, entry);
          }
          yield* pieces.turn();
        }
      }
      yield* pieces.rest();
    } finally {
      names.close();
    }
  } catch (error) {
    throw faultOf(error, OPERATION, path);
  } finally {
    closeSync(folder);
  }
}
