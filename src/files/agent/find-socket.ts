import { closeSync, fstatSync } from 'node:fs';
import type { Agent } from './agent.ts';

/** What a path leads to: a descriptor of the kind `O_PATH`, and what tells it from all else. */
export interface FoundSocket {
  readonly descriptor: number;
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * Finds what a connection is to be made to, and leaves it to that to find out whether it is a
 * socket. The descriptor is open until the next step.
 */
export function* findSocket(
  { places }: Agent,
  { path }: { readonly path: string },
): Generator<FoundSocket, void> {
  const descriptor = places.find(path, { follow: true });
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    yield { descriptor, dev, ino };
  } finally {
    closeSync(descriptor);
  }
}
