import { closeSync, writeSync } from 'node:fs';
import { errnoNameOf } from '../../../errno-name.ts';
import { startFailure } from '../../start-failure.ts';
import { type Libc, MFD_CLOEXEC } from '../libc.ts';

/**
 * A file in memory with some content, to be read from its beginning by whoever is given the
 * descriptor.
 *
 * @throws RunletError `START_FAILED`
 */
export function memoryFile(libc: Libc, name: string, content: Uint8Array): number {
  const fd = libc.memfdCreate(name, MFD_CLOEXEC);
  if (fd < 0) throw noDescriptor(errnoNameOf(libc.errno()));
  try {
    let written = 0;
    while (written < content.byteLength) {
      written += writeSync(fd, content, written, content.byteLength - written, written);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A descriptor that a launch needs, and that the system does not give. */
export function noDescriptor(errno: string): Error {
  return startFailure('SPAWN', errno, `the process could not be created: ${errno}`);
}
