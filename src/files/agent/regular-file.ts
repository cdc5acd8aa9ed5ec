import { type BigIntStats, constants, fstatSync, openSync } from 'node:fs';
import type { Reason } from '../../errors.ts';
import { FileFault } from '../file-fault.ts';
import { versionOf } from '../file-info.ts';
import { pathOf } from './places.ts';

/**
 * Opens what was found if it is a regular file: a FIFO, a socket and a device are never opened,
 * which could wait for somebody, or do something.
 *
 * @param found a descriptor of the kind `O_PATH`
 * @param flags how it is opened
 * @throws FileFault `IS_A_DIRECTORY`, `NOT_A_REGULAR_FILE`
 */
export function openRegular(found: number, flags: number, path: string): number {
  assertRegular(fstatSync(found, { bigint: true }), path);
  return openSync(pathOf(found), flags | constants.O_NONBLOCK | constants.O_NOCTTY);
}

/** @throws FileFault `IS_A_DIRECTORY`, `NOT_A_REGULAR_FILE` */
export function assertRegular(stats: BigIntStats, path: string): void {
  if (stats.isFile()) return;
  const reason: Reason = stats.isDirectory() ? 'IS_A_DIRECTORY' : 'NOT_A_REGULAR_FILE';
  throw new FileFault(reason, {
    operation: 'open',
    path,
    ...(stats.isDirectory() ? { errnoName: 'EISDIR' } : {}),
  });
}

/**
 * @param stats of what is there; undefined: nothing is
 * @param version the one that it has to have; empty: any
 * @throws FileFault `VERSION_MISMATCH`
 */
export function assertVersion(
  stats: BigIntStats | undefined,
  version: string,
  { operation, path }: { readonly operation: string; readonly path: string },
): void {
  if (version === '' || (stats !== undefined && versionOf(stats) === version)) return;
  throw new FileFault('VERSION_MISMATCH', { operation, path });
}

/** Tells what a descriptor is of apart from all else. */
export function identityOf(descriptor: number): string {
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  return `${dev} ${ino}`;
}
