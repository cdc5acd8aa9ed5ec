import type { FileInfo } from '../file-info.ts';
import type { Agent } from './agent.ts';
import { type ByteName, bytesOfName } from './byte-name.ts';

/** How often one is looked at that is replaced between two looks. */
const MAX_LOOKS = 10;

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
): FileInfo | undefined {
  const at = bytesOfName(`/proc/self/fd/${folder}/${name}`);
  for (let looks = 1; ; looks++) {
    try {
      return agent.describeNamed(at, path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      // It was a link, and is something else now.
      if (code !== 'EINVAL' || looks >= MAX_LOOKS) throw error;
    }
  }
}
