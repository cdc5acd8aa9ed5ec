/* What inotify(7) tells, by the bits of sys/inotify.h. */

export const IN_MODIFY = 0x0000_0002;
export const IN_ATTRIB = 0x0000_0004;
export const IN_MOVED_FROM = 0x0000_0040;
export const IN_MOVED_TO = 0x0000_0080;
export const IN_CREATE = 0x0000_0100;
export const IN_DELETE = 0x0000_0200;
export const IN_DELETE_SELF = 0x0000_0400;
export const IN_MOVE_SELF = 0x0000_0800;
export const IN_UNMOUNT = 0x0000_2000;
export const IN_Q_OVERFLOW = 0x0000_4000;
export const IN_IGNORED = 0x0000_8000;
const IN_ONLYDIR = 0x0100_0000;
/** What it is about is a folder. */
export const IN_ISDIR = 0x4000_0000;

/** What is asked for of each folder: always the same, since several may watch one. */
export const WATCH_MASK =
  IN_MODIFY |
  IN_ATTRIB |
  IN_MOVED_FROM |
  IN_MOVED_TO |
  IN_CREATE |
  IN_DELETE |
  IN_DELETE_SELF |
  IN_MOVE_SELF |
  IN_ONLYDIR;
