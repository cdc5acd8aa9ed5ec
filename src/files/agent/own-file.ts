import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
} from 'node:fs';
import { FileFault, faultOf } from '../file-fault.ts';
import { type Agent, withDescriptor } from './agent.ts';
import type { FileSink } from './file-sink.ts';
import { syncFolder } from './new-file.ts';
import { type NamedPlace, O_PATH } from './places.ts';
import { assertVersion, identityOf, openRegular } from './regular-file.ts';
import type { WriteFileArgs } from './write-file.ts';
import { lookAt } from './write-target.ts';

/** Opens a file that is itself written to, from its start or after its end. One that is not there is made. */
export function openItself(agent: Agent, place: NamedPlace, args: WriteFileArgs): FileSink {
  const { disposition, ifVersion, mode, path, sync } = args;
  const descriptor = openOrMake(place, args);
  let begun = false;
  const begin = (): void => {
    if (begun) return;
    // Another may have written it since it was opened.
    const stats = fstatSync(descriptor, { bigint: true });
    assertVersion(stats, ifVersion, { operation: 'write_file', path });
    begun = true;
  };
  return {
    descriptor,
    file: identityOf(descriptor),
    begin,
    finish(bytes, assertWanted) {
      assertWanted();
      begin();
      if (ifVersion !== '') assertInPlace(descriptor, place, path);
      if (disposition === 'in-place') ftruncateSync(descriptor, Number(bytes));
      if (mode !== undefined) fchmodSync(descriptor, mode);
      if (sync) {
        fsyncSync(descriptor);
        syncFolder(place.folder);
      }
      return agent.describe(descriptor, path);
    },
    close: () => closeSync(descriptor),
  };
}

/** @throws FileFault `VERSION_MISMATCH` where another file has its name now */
function assertInPlace(descriptor: number, place: NamedPlace, path: string): void {
  const found = lookAt(place);
  const own = fstatSync(descriptor, { bigint: true });
  if (found?.ino === own.ino && found.dev === own.dev) return;
  throw new FileFault('VERSION_MISMATCH', { operation: 'write_file', path });
}

function openOrMake(place: NamedPlace, { disposition, ifVersion, path }: WriteFileArgs): number {
  const flags = constants.O_WRONLY | (disposition === 'append' ? constants.O_APPEND : 0);
  for (;;) {
    const isThere = lookAt(place) !== undefined;
    try {
      if (!isThere) return openSync(place.path, flags | MAKE);
      const found = openSync(place.path, O_PATH | constants.O_NOFOLLOW);
      return withDescriptor(found, () => {
        const stats = fstatSync(found, { bigint: true });
        assertVersion(stats, ifVersion, { operation: 'write_file', path });
        return openRegular(found, flags, path);
      });
    } catch (error) {
      // It came or went since we looked.
      const { reason } = faultOf(error, 'open', path);
      if (reason !== (isThere ? 'FILE_NOT_FOUND' : 'FILE_EXISTS')) throw error;
    }
  }
}

const MAKE = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
