import {
  type Libc,
  POSIX_SPAWN_SETCGROUP,
  POSIX_SPAWN_SETSID,
  POSIX_SPAWN_SETSIGDEF,
  POSIX_SPAWN_SETSIGMASK,
  SIGSET_SIZE,
  SPAWN_ATTRIBUTES_SIZE,
} from './libc.ts';

/** What children differ in. */
export interface SpawnAttributes {
  /** A descriptor of the cgroup that it is made in, if that can be. Default: that of this process. */
  readonly cgroup?: number | undefined;
  /** Whether all signals are blocked, so that none that can be ends it. Default: none is. */
  readonly blocked?: boolean;
}

/** A session of its own, default dispositions but for the signals that are to stay ignored. */
export function spawnAttributes(
  libc: Libc,
  ignored: readonly number[],
  { blocked = false, cgroup }: SpawnAttributes = {},
): Buffer {
  const attributes = Buffer.alloc(SPAWN_ATTRIBUTES_SIZE);
  const mask = Buffer.alloc(SIGSET_SIZE, blocked ? 0xff : 0);
  // Not by sigfillset(3): it leaves out two signals that glibc uses itself, and
  // posix_spawn would have the child ignore those.
  const all = Buffer.alloc(SIGSET_SIZE, 0xff);
  for (const signal of ignored) {
    const index = (signal - 1) >> 3;
    all.writeUInt8(all.readUInt8(index) & ~(1 << ((signal - 1) & 7)), index);
  }
  libc.attributesInit(attributes);
  libc.attributesSetSigmask(attributes, mask);
  libc.attributesSetSigdefault(attributes, all);
  libc.attributesSetFlags(
    attributes,
    POSIX_SPAWN_SETSID |
      POSIX_SPAWN_SETSIGMASK |
      POSIX_SPAWN_SETSIGDEF |
      (cgroup === undefined ? 0 : POSIX_SPAWN_SETCGROUP),
  );
  if (cgroup !== undefined) libc.attributesSetCgroup?.(attributes, cgroup);
  return attributes;
}
