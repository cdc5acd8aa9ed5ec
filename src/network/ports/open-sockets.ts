import { readlinkSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import type { Turns } from './turns.ts';

/** What was found of the sockets of a process. */
export interface OpenSockets {
  /** Their inodes. */
  readonly inodes: ReadonlySet<string>;
  /** Whether there are more descriptors than may be looked at. */
  readonly truncated: boolean;
}

/** The sockets that a process has open, of so many descriptors; none where it cannot be looked at. */
export async function openSockets(
  pid: number,
  maxDescriptors: number,
  turns: Turns,
): Promise<OpenSockets> {
  const inodes = new Set<string>();
  let looked = 0;
  try {
    for await (const { name } of await opendir(`/proc/${pid}/fd`)) {
      if (looked >= maxDescriptors || turns.over) return { inodes, truncated: true };
      looked += 1;
      const inode = inodeOf(`/proc/${pid}/fd/${name}`);
      if (inode !== undefined) inodes.add(inode);
      await turns.next();
    }
  } catch {
    // It is another user's, or gone.
  }
  return { inodes, truncated: false };
}

/** Undefined: it is no socket, or closed by now. */
function inodeOf(path: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1];
  } catch {
    return undefined;
  }
}
