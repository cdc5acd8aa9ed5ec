import { fstatSync, readlinkSync } from 'node:fs';
import { textOfBytes } from '../../system-text.ts';
import { FileFault } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import { type Agent, withDescriptor } from './agent.ts';
import { pathOf } from './places.ts';

/** Describes a file. */
export function stat(
  agent: Agent,
  { follow, path }: { readonly path: string; readonly follow: boolean },
): FileInfo {
  return withDescriptor(agent.places.find(path, { follow }), (found) => {
    const info = agent.describe(found, path);
    if (info.kind !== 'symlink') return info;
    // By its folder: a descriptor of a link cannot be read by node:fs.
    const { folder, path: at } = agent.places.findNamed(path);
    return withDescriptor(folder, () => agent.describeNamed(at, path));
  });
}

/** How often a file is looked for whose path is another than that which it had just before. */
const MAX_TRIES = 10;

/** The path of the same file without links. */
export function resolvePath(agent: Agent, { path }: { readonly path: string }): string {
  for (let tries = 1; ; tries++) {
    const resolved = withDescriptor(agent.places.find(path, { follow: true }), (found) => {
      const name = agent.places.nameOf(readlinkSync(pathOf(found), { encoding: 'buffer' }));
      return name !== undefined && leadsTo(agent, textOfBytes(name), found)
        ? textOfBytes(name)
        : undefined;
    });
    if (resolved !== undefined) return resolved;
    // It was moved or removed since it was found, or has no path, as what was unmounted.
    if (tries >= MAX_TRIES) throw new FileFault('FILE_NOT_FOUND', { operation: 'resolve', path });
  }
}

function leadsTo({ places }: Agent, path: string, found: number): boolean {
  try {
    return withDescriptor(places.find(path, { follow: false }), (again) => {
      const [a, b] = [found, again].map((of) => fstatSync(of, { bigint: true }));
      return a?.dev === b?.dev && a?.ino === b?.ino;
    });
  } catch {
    return false;
  }
}
