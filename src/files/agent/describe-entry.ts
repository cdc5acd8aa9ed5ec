import { type BigIntStats, lstatSync, readlinkSync } from 'node:fs';
import { textOfBytes } from '../../system-text.ts';
import type { FileInfo } from '../file-info.ts';
import type { Agent } from './agent.ts';
import { type ByteName, bytesOfName } from './byte-name.ts';

/** How often one is looked at that is replaced between two looks. */
const MAX_LOOKS = 10;

/** What has a name in a folder. */
export interface Entry {
  readonly stats: BigIntStats;
  readonly info: FileInfo;
}

/**
 * Describes what has a name in a folder, a link as a link.
 *
 * @param folder a descriptor of it
 * @returns undefined: it is not there any more
 * @throws Error of the system
 */
export function describeEntry(
  agent: Agent,
  folder: number,
  name: ByteName,
  path: string,
): Entry | undefined {
  const at = bytesOfName(`/proc/self/fd/${folder}/${name}`);
  for (let looks = 1; ; looks++) {
    try {
      const stats = lstatSync(at, { bigint: true });
      const target = stats.isSymbolicLink()
        ? textOfBytes(readlinkSync(at, { encoding: 'buffer' }))
        : undefined;
      return { stats, info: agent.info(stats, path, target) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      // It was a link, and is something else now.
      if (code !== 'EINVAL' || looks >= MAX_LOOKS) throw error;
    }
  }
}
