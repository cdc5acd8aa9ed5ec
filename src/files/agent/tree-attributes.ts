import { type BigIntStats, fchmodSync, fchownSync, lchownSync } from 'node:fs';
import type { TarMember } from '../tar/tar-format.ts';
import { type FileTime, fileTimes } from './file-times.ts';

/** What is said of a file or a folder beside its content. */
export interface TreeAttributes {
  readonly mode: number;
  /** Undefined: it stays. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly modifyTime: FileTime;
}

/** Those of a member of an archive. */
export function attributesOfMember(member: TarMember): TreeAttributes {
  const { gid, mode, mtimeNanos: nanos, mtimeSeconds: seconds, uid } = member;
  return { mode, owner: { uid, gid }, modifyTime: { seconds, nanos } };
}

const NS_PER_SECOND = 1_000_000_000n;

/** Those that something has, its owner not among them. */
export function attributesOf({ mode, mtimeNs }: BigIntStats): TreeAttributes {
  const nanos = ((mtimeNs % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  const seconds = Number((mtimeNs - nanos) / NS_PER_SECOND);
  return {
    mode: Number(mode) & 0o7777,
    owner: undefined,
    modifyTime: { seconds, nanos: Number(nanos) },
  };
}

/** Set-user-ID and set-group-ID: they let others act as the owner or the group of a file. */
const SET_ID = 0o6000;

/** What the system says where it does not let us give a file to somebody. */
const NOT_ALLOWED = new Set(['EPERM', 'EINVAL', 'ENOSYS', 'EOPNOTSUPP']);

/** Owners that are remembered as those whom we may not give files to. */
const MAX_REFUSED = 1024;

/** Sets the attributes of what is unpacked. */
export class AttributeSetter {
  readonly #times = fileTimes();
  readonly #refused = new Set<string>();

  /** Of an open file or folder. */
  set(descriptor: number, { mode, modifyTime, owner }: TreeAttributes): void {
    const isKept =
      owner === undefined || this.#give(owner, () => fchownSync(descriptor, owner.uid, owner.gid));
    // After the owner, with whom the system takes some of it away. What would run as its owner
    // must not run as another because the owner could not be kept.
    fchmodSync(descriptor, isKept ? mode : mode & ~SET_ID);
    this.#times.set(descriptor, modifyTime);
  }

  /** Of a link, which has no mode. */
  setLink(path: Buffer, { modifyTime, owner }: TreeAttributes): void {
    if (owner !== undefined) this.#give(owner, () => lchownSync(path, owner.uid, owner.gid));
    this.#times.setNamed(path, modifyTime);
  }

  /** @returns whether it is theirs now */
  #give(owner: { readonly uid: number; readonly gid: number }, give: () => void): boolean {
    const key = `${owner.uid}:${owner.gid}`;
    if (!isId(owner.uid) || !isId(owner.gid) || this.#refused.has(key)) return false;
    try {
      give();
      return true;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!NOT_ALLOWED.has(code)) throw error;
      if (this.#refused.size < MAX_REFUSED) this.#refused.add(key);
      return false;
    }
  }
}

/** The last one means none: chown(2). */
function isId(id: number): boolean {
  return id >= 0 && id < 0xffff_ffff;
}
