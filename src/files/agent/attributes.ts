import { type BigIntStats, chmodSync, chownSync, fstatSync, utimesSync } from 'node:fs';
import { FileFault } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import { type Agent, withDescriptor } from './agent.ts';
import { pathOf } from './places.ts';
import { stat } from './stat.ts';

/** What is to be said of a file. What is undefined stays. */
export interface NewAttributes {
  /** Permission bits, at most 0o7777. */
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Nanoseconds since 1970, which may be before it. */
  readonly modifyNs: bigint | undefined;
}

/** Changes what is said of a file, by its descriptor: nothing is opened for it. */
export function setAttributes(
  agent: Agent,
  { follow, path, ...wanted }: NewAttributes & { readonly path: string; readonly follow: boolean },
): FileInfo {
  return withDescriptor(agent.places.find(path, { follow }), (found) => {
    changeAttributes(agent, found, path, wanted);
    const stats = fstatSync(found, { bigint: true });
    return stats.isSymbolicLink() ? stat(agent, { path, follow }) : agent.describe(found, path);
  });
}

/**
 * Does so with a file that is found, also a link itself.
 *
 * @param found a descriptor, `O_PATH` or other
 * @throws FileFault `INVALID_REQUEST`: a link has no mode; or an error of the system
 */
function changeAttributes(
  agent: Agent,
  found: number,
  path: string,
  { gid, mode, modifyNs, uid }: NewAttributes,
): void {
  const stats = fstatSync(found, { bigint: true });
  if (mode !== undefined && stats.isSymbolicLink()) {
    const message = 'a link has no mode of its own';
    throw new FileFault('INVALID_REQUEST', { operation: 'chmod', path, message });
  }
  const at = pathOf(found);
  // The owner first: to change it takes away set-user-ID and set-group-ID, chown(2).
  if (uid !== undefined || gid !== undefined) {
    chownSync(at, uid ?? Number(stats.uid), gid ?? Number(stats.gid));
  }
  if (mode !== undefined) chmodSync(at, mode);
  if (modifyNs !== undefined) setModifyTime(agent, found, stats, modifyNs);
}

function setModifyTime(agent: Agent, found: number, { atimeNs }: BigIntStats, ns: bigint): void {
  const { native } = agent.places;
  if (native !== undefined) native.setModifyTime(found, ns);
  else utimesSync(pathOf(found), asTime(atimeNs), asTime(ns));
}

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1e9;

/** As exactly as Node.js takes times; those before 1970 as dates alone. */
function asTime(ns: bigint): number | Date {
  return ns < 0n ? new Date(Number(ns / NS_PER_MS)) : Number(ns) / NS_PER_SECOND;
}
