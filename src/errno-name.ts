import { constants } from 'node:os';

/** Two names for one number: the first, EAGAIN and not EWOULDBLOCK. */
const names = new Map(
  Object.entries(constants.errno)
    .reverse()
    .map(([name, errno]) => [errno, name]),
);

/** What an errno is called, in `<errno.h>`. */
export function errnoNameOf(errno: number): string {
  return names.get(errno) ?? 'EIO';
}
