import { type BigIntStats, fsyncSync } from 'node:fs';
import { FileFault, faultOf } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import type { Agent } from './agent.ts';
import { NewFile, syncFolder } from './new-file.ts';
import { openItself } from './own-file.ts';
import type { NamedPlace } from './places.ts';
import { assertRegular, assertVersion } from './regular-file.ts';
import { takeAfter } from './take-after.ts';
import type { WriteFileArgs } from './write-file.ts';
import { lookAt } from './write-target.ts';

/** Where the bytes of a file go to. */
export interface FileSink {
  readonly descriptor: number;
  /** Tells the file apart where it is itself written to; undefined: a new one is. */
  readonly file: string | undefined;
  /**
   * The first byte is about to be written.
   *
   * @throws FileFault `VERSION_MISMATCH`
   */
  begin(): void;
  /**
   * So many bytes were written, and these are all: it gets its place, and is told as it is there.
   * It may be tried again where `assertWanted` threw.
   *
   * @param assertWanted asked before anything that others see; throws where it may not be done
   */
  finish(bytes: bigint, assertWanted: () => void): FileInfo;
  /** Frees what it holds; what has no place is removed. */
  close(): void;
}

/**
 * Opens where a file is written to.
 *
 * @throws FileFault also where what is there may not be written so
 */
export function openSink(agent: Agent, place: NamedPlace, args: WriteFileArgs): FileSink {
  const { disposition, ifVersion, path } = args;
  const found = lookAt(place);
  assertVersion(found, ifVersion, { operation: 'write_file', path });
  if (found !== undefined) {
    if (disposition === 'create-new') throw exists(path);
    assertRegular(found, path);
  }
  const isNew = disposition === 'replace' || disposition === 'create-new';
  return isNew ? openBeside(agent, place, args) : openItself(agent, place, args);
}

function openBeside(agent: Agent, place: NamedPlace, args: WriteFileArgs): FileSink {
  const { disposition, mode, path, sync } = args;
  const file = new NewFile(agent, place);
  const { descriptor } = file;
  const put = (found: BigIntStats | undefined, assertWanted: () => void): void => {
    const prepare = (): void => {
      takeAfter(descriptor, found, mode);
      if (sync) fsyncSync(descriptor);
      // The last thing before it has its place: a disk may take its time.
      assertWanted();
    };
    file.put({ replaces: found !== undefined, prepare });
  };
  return {
    descriptor,
    file: undefined,
    begin() {},
    finish(_bytes, assertWanted) {
      if (disposition === 'replace') replace(place, args, (found) => put(found, assertWanted));
      else put(undefined, assertWanted);
      if (sync) syncFolder(place.folder);
      return agent.describe(descriptor, path);
    },
    close: () => file.close(),
  };
}

/** Puts a file where there may be another, which may come or go meanwhile. */
function replace(
  place: NamedPlace,
  { ifVersion, path }: WriteFileArgs,
  put: (found: BigIntStats | undefined) => void,
): void {
  for (;;) {
    const found = lookAt(place);
    assertVersion(found, ifVersion, { operation: 'write_file', path });
    if (found !== undefined) assertRegular(found, path);
    try {
      put(found);
      return;
    } catch (error) {
      const fault = faultOf(error, 'link', path);
      if (found !== undefined || fault.reason !== 'FILE_EXISTS') throw fault;
    }
  }
}

function exists(path: string): FileFault {
  return new FileFault('FILE_EXISTS', { operation: 'open', path, errnoName: 'EEXIST' });
}
