import { closeSync, constants } from 'node:fs';
import { errnoNameOf } from '../../../errno-name.ts';
import { FIRST_DESCRIPTORS } from '../../../sandbox/first/order.ts';
import { FIRST_PREPARED_DESCRIPTOR } from '../../../sandbox/prepared-sandbox.ts';
import { F_DUPFD_CLOEXEC, type Libc } from '../libc.ts';
import { newActions } from '../spawn-actions.ts';
import { noDescriptor } from './memory-file.ts';

/** The numbers that bwrap(1) has its descriptors by; what its first process has is in order.ts. */
export const PASSED = {
  messages: 2,
  ...FIRST_DESCRIPTORS,
  arguments: 8,
  first: 9,
  filter: 10,
  prepared: FIRST_PREPARED_DESCRIPTOR,
} as const;

/** Our descriptors by the numbers that bwrap is to have them by. */
export type Passed = ReadonlyMap<number, number>;

/**
 * What bwrap is made with: descriptors of ours by the numbers that it knows, nothing else, and
 * nothing to read and write by itself. `use` is given what makes the actions; the copies that it
 * takes are closed when that is over.
 *
 * @throws RunletError `START_FAILED`, or what `use` throws
 */
export async function passing<T>(
  libc: Libc,
  passed: Passed,
  use: (actions: () => Buffer) => Promise<T>,
): Promise<T> {
  const last = Math.max(...passed.keys());
  const copies: number[] = [];
  const ascending = [...passed].sort(([a], [b]) => a - b);
  try {
    // One whose number another has before its turn would be gone by then, and the C library may leave
    // one that has its number already to be closed.
    const sources = ascending.map(([target, fd]) => {
      if (fd > target) return [target, fd] as const;
      const copy = libc.fcntl(fd, F_DUPFD_CLOEXEC, last + 1);
      if (copy < 0) throw noDescriptor(errnoNameOf(libc.errno()));
      copies.push(copy);
      return [target, copy] as const;
    });
    return await use(() => {
      const actions = newActions(libc);
      for (const [target, fd] of sources) libc.fileActionsAddDup2(actions, fd, target);
      for (const fd of [0, 1]) {
        libc.fileActionsAddOpen(actions, fd, '/dev/null', constants.O_RDWR, 0);
      }
      libc.fileActionsAddClosefrom?.(actions, last + 1);
      libc.fileActionsAddChdir(actions, '/');
      return actions;
    });
  } finally {
    for (const fd of copies) closeSync(fd);
  }
}
