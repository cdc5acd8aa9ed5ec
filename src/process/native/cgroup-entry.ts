import { constants } from 'node:os';
import type { Cgroup } from './cgroups.ts';
import type { Libc } from './libc.ts';
import { newActions } from './spawn-actions.ts';
import { spawnAttributes } from './spawn-attributes.ts';

/** Whether children can be made in a cgroup. This one fails to become its program, and is gone. */
export function canEnter(libc: Libc, cgroup: Cgroup): boolean {
  const actions = newActions(libc);
  const attributes = spawnAttributes(libc, [], { cgroup: cgroup.fd });
  const errno = libc.posixSpawn([0], '/proc/self/exe/none', actions, attributes, [null], [null]);
  libc.fileActionsDestroy(actions);
  return errno === constants.errno.ENOTDIR;
}
