import { MAX_TREE_BYTES, MAX_TREES_BYTES } from '../../limits.ts';
import { Room } from './walk-room.ts';

/** Memory of all trees that this thread reads and writes. */
const ALL_TREES = new Room(MAX_TREES_BYTES);

/** Memory for what is known of one tree. To be closed in the end. */
export function newTreeRoom(): Room {
  return new Room(MAX_TREE_BYTES, ALL_TREES);
}
