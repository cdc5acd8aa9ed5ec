import {
  closeSync,
  constants,
  linkSync,
  lstatSync,
  openSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { type FileFault, faultOf } from '../file-fault.ts';
import { TarError, type TarMember } from '../tar/tar-format.ts';
import type { TarEvent } from '../tar/tar-reader.ts';
import { type ByteName, bytesOfName } from './byte-name.ts';
import { memberFault, namesOf, OPERATION, shownMember } from './member-names.ts';
import { O_PATH, pathOf } from './places.ts';
import { type AttributeSetter, attributesOfMember } from './tree-attributes.ts';
import { UnpackFolders } from './unpack-folders.ts';

/** A new file, which nobody but us may open before it has its mode. */
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const PRIVATE_MODE = 0o600;

/** Makes what an archive has below an open folder that nobody else can reach. */
export class Unpacker {
  readonly folders: UnpackFolders;
  readonly #target: string;
  readonly #setter: AttributeSetter;
  /** The file whose content comes. */
  #file: { readonly descriptor: number; readonly member: TarMember } | undefined;
  #path: ByteName = '';
  /** Members that came, and bytes of files among them. */
  entries = 0;
  bytes = 0;
  /** Entries that were made and are there. */
  #made = 0;

  /**
   * @param top a descriptor of the folder, which is taken
   * @param target the folder that it will be, for errors
   */
  constructor(top: number, target: string, setter: AttributeSetter) {
    this.#target = target;
    this.#setter = setter;
    this.folders = new UnpackFolders(top, target, setter);
  }

  /**
   * Takes what comes next in the archive.
   *
   * @throws FileFault
   */
  take(event: TarEvent): void {
    try {
      if (event.kind === 'member') this.#member(event.member);
      else if (event.kind === 'content') this.#content(event.bytes);
      else this.#contentEnd();
    } catch (error) {
      throw this.#fault(error);
    }
  }

  /** How many entries there are, folders that the archive has no members for among them. */
  get made(): number {
    return this.#made + this.folders.made;
  }

  /** All came: the folders have what they are to have. */
  finish(): void {
    this.folders.finish();
  }

  /** Frees what it holds. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.descriptor);
    this.folders.close();
  }

  #fault(error: unknown): FileFault {
    return faultOf(error, OPERATION, shownMember(this.#target, this.#path));
  }

  #member(member: TarMember): void {
    this.entries += 1;
    this.#path = member.path;
    const names = namesOf(member.path, this.#target);
    const { kind } = member;
    if (kind === 'folder') {
      this.folders.add(names, attributesOfMember(member));
      return;
    }
    if (kind === 'other') throw memberFault('NOT_A_REGULAR_FILE', this.#target, member.path);
    const name = names.at(-1);
    if (name === undefined) throw memberFault('FILE_EXISTS', this.#target, member.path);
    const folder = this.folders.enter(names);
    const at = bytesOfName(`${pathOf(folder)}/${name}`);
    if (kind === 'hard-link') this.#link(member, names, at);
    else if (kind === 'symlink') this.#symlink(member, at);
    else
      this.#file = {
        descriptor: this.#replacing(at, () => openSync(at, NEW, PRIVATE_MODE)),
        member,
      };
  }

  #content(bytes: Buffer): void {
    if (this.#file === undefined) throw new Error('content of no file');
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file.descriptor, bytes, at);
    this.bytes += bytes.length;
  }

  #contentEnd(): void {
    if (this.#file === undefined) throw new Error('content of no file');
    const { descriptor, member } = this.#file;
    this.#file = undefined;
    try {
      this.#setter.set(descriptor, attributesOfMember(member));
    } finally {
      closeSync(descriptor);
    }
  }

  #symlink(member: TarMember, at: Buffer): void {
    if (member.linkPath === '') throw new TarError('a link leads nowhere');
    this.#replacing(at, () => symlinkSync(bytesOfName(member.linkPath), at));
    this.#setter.setLink(at, attributesOfMember(member));
  }

  #link(member: TarMember, names: readonly ByteName[], at: Buffer): void {
    const target = namesOf(member.linkPath, this.#target);
    const folder = this.#findFolder(target, member);
    try {
      const from = bytesOfName(`${pathOf(folder)}/${target.at(-1) ?? ''}`);
      const stats = lstatSync(from, { throwIfNoEntry: false });
      if (stats === undefined || !(stats.isFile() || stats.isSymbolicLink())) {
        throw memberFault('NOT_A_REGULAR_FILE', this.#target, member.path);
      }
      const isItself = target.join('/') === names.join('/');
      if (!isItself) this.#replacing(at, () => linkSync(from, at));
    } finally {
      closeSync(folder);
    }
  }

  /** The folder that another member is in, for a link to that. */
  #findFolder(names: readonly ByteName[], { path }: TarMember): number {
    let folder = openSync(pathOf(this.folders.top), O_PATH);
    for (const name of names.slice(0, -1)) {
      try {
        const at = bytesOfName(`${pathOf(folder)}/${name}`);
        const stats = lstatSync(at, { throwIfNoEntry: false });
        if (stats?.isSymbolicLink() === true) {
          throw memberFault('OUTSIDE_ROOT', this.#target, path, 'it leads through a link');
        }
        if (stats?.isDirectory() !== true) {
          throw memberFault('NOT_A_REGULAR_FILE', this.#target, path);
        }
        const parent = folder;
        folder = openSync(at, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
        closeSync(parent);
      } catch (error) {
        closeSync(folder);
        throw error;
      }
    }
    return folder;
  }

  /** Makes something in place of what an earlier member has made there, unless that is a folder. */
  #replacing<T>(at: Buffer, make: () => T): T {
    try {
      const made = make();
      this.#made += 1;
      return made;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (lstatSync(at).isDirectory()) {
        throw memberFault('FILE_EXISTS', this.#target, this.#path);
      }
      unlinkSync(at);
      return make();
    }
  }
}
