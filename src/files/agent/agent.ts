import { type BigIntStats, closeSync, fstatSync, lstatSync, readlinkSync } from 'node:fs';
import { textOfBytes } from '../../system-text.ts';
import { type FileInfo, kindOf, versionOf } from '../file-info.ts';
import type { Root } from '../roots.ts';
import { Places } from './places.ts';
import { TemporaryNames } from './temporary-names.ts';
import { UserNames } from './user-names.ts';

/** What an agent is made with. It can be cloned to another thread. */
export interface AgentOptions {
  readonly roots: readonly Root[];
  /** The folder of records of temporary names, a path. Default: there are none. */
  readonly records?: string | undefined;
}

/** What does the operations on files of one thread, each at once or step by step, and waits for the system alone. */
export class Agent {
  readonly places: Places;
  readonly temporaries: TemporaryNames;
  /** See {@link AgentOptions}. */
  readonly records: string | undefined;
  readonly #owners = new UserNames('/etc/passwd');
  readonly #groups = new UserNames('/etc/group');

  constructor({ records, roots }: AgentOptions, places = new Places(roots)) {
    this.places = places;
    this.records = records;
    this.temporaries = new TemporaryNames(records);
  }

  /** Describes what a descriptor is of, `O_PATH` or other. Not for links. */
  describe(descriptor: number, path: string): FileInfo {
    return this.info(fstatSync(descriptor, { bigint: true }), path, undefined);
  }

  /** Describes what has a name, a link as a link. `at`: as pathIn has it. */
  describeNamed(at: Buffer, path: string): FileInfo {
    const stats = lstatSync(at, { bigint: true });
    const target = stats.isSymbolicLink()
      ? textOfBytes(readlinkSync(at, { encoding: 'buffer' }))
      : undefined;
    return this.info(stats, path, target);
  }

  /** What is told of a file with these properties. */
  info(stats: BigIntStats, path: string, linkTarget: string | undefined): FileInfo {
    this.#owners.refresh();
    this.#groups.refresh();
    const { atimeNs, birthtimeNs, ctimeNs, mode, mtimeNs, nlink, size } = stats;
    const uid = Number(stats.uid);
    const gid = Number(stats.gid);
    return {
      path,
      kind: kindOf(stats),
      size,
      mode: Number(mode) & 0o7777,
      uid,
      gid,
      owner: this.#owners.nameOf(uid),
      group: this.#groups.nameOf(gid),
      modifyNs: mtimeNs,
      changeNs: ctimeNs,
      accessNs: atimeNs,
      birthNs: birthtimeNs === 0n ? undefined : birthtimeNs,
      linkTarget,
      linkCount: nlink,
      version: versionOf(stats),
    };
  }
}

/** Does something with a descriptor, and closes it. */
export function withDescriptor<T>(descriptor: number, use: (descriptor: number) => T): T {
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
