import { accessSync } from 'node:fs';
import { Places } from '../../../files/agent/places.ts';
import type { Root } from '../../../files/roots.ts';
import { shownText } from '../../../system-text.ts';

/** What `GetServerInfo` tells of files. */
export interface FilesCapability {
  readonly supported: boolean;
  readonly confinement: string;
  readonly roots: string[];
}

/** Finds it out by trying, which loads what calls the system: once is enough. */
export function filesCapability(roots: readonly Root[]): FilesCapability {
  const supported = supportsFiles();
  return {
    supported,
    confinement: supported ? new Places(roots).confinement : '',
    roots: roots.map(({ names }) => shownText(names[0] ?? '')),
  };
}

/** Files are reached by descriptors, which have paths in proc(5) alone. */
function supportsFiles(): boolean {
  try {
    accessSync('/proc/self/fd/0');
    return process.platform === 'linux';
  } catch {
    return false;
  }
}
