import { readlinkSync } from 'node:fs';
import { textOfBytes } from '../../system-text.ts';
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

/** The path of the same file without links. */
export function resolvePath(agent: Agent, { path }: { readonly path: string }): string {
  return withDescriptor(agent.places.find(path, { follow: true }), (found) =>
    textOfBytes(readlinkSync(pathOf(found), { encoding: 'buffer' })),
  );
}
