import type { ByteName } from '../agent/byte-name.ts';

/** What the system tells of a watched folder: inotify(7). */
export interface InotifyEvent {
  /** The number of the watch; -1: none in particular. */
  readonly watch: number;
  readonly mask: number;
  /** Of the two halves of a rename(2) the same. */
  readonly cookie: number;
  /** What it is about in the folder; empty: the folder itself. */
  readonly name: ByteName;
}

/** `struct inotify_event`: watch, mask, cookie and the length of the name, 4 bytes each. */
const HEAD_BYTES = 16;

/** The events that a read(2) gave. */
export function decodeEvents(bytes: Buffer): InotifyEvent[] {
  const events: InotifyEvent[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const nameAt = at + HEAD_BYTES;
    const end = nameAt + bytes.readUInt32LE(at + 12);
    // Filled up with NULs.
    const field = bytes.subarray(nameAt, end);
    const nul = field.indexOf(0);
    events.push({
      watch: bytes.readInt32LE(at),
      mask: bytes.readUInt32LE(at + 4),
      cookie: bytes.readUInt32LE(at + 8),
      name: field.toString('latin1', 0, nul < 0 ? field.length : nul),
    });
    at = end;
  }
  return events;
}
