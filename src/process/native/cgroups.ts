import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdir,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseMounts } from '../../machine/mounts.ts';
import { ownCgroup } from '../../machine/own-cgroup.ts';

/** A cgroup that one process, and all that comes of it, is in. */
export interface Cgroup {
  /** A descriptor of its folder, for as long as the process is being made. */
  readonly fd: number;
  /** The process was made, or could not be: `fd` is not needed any more. */
  made(): void;
  /** Sends SIGKILL to all in it, at once: none can fork meanwhile. */
  kill(): void;
  /** Nothing is left in it, or nobody will ask for it any more. */
  remove(): void;
}

/**
 * Cgroups below that of this process, cgroups(7) version 2. No controller is switched
 * on: they are there to be killed as one, by their file `cgroup.kill` (Linux 5.14).
 */
export class Cgroups {
  readonly #folder: string;
  #count = 0;

  /** Undefined where this process cannot make cgroups. `tryOut` makes a child in one. */
  static create(tryOut: (cgroup: Cgroup) => boolean): Cgroups | undefined {
    try {
      const own = ownFolder();
      if (own === undefined) return undefined;
      sweep(own);
      const folder = join(own, `runlet-${process.pid}-${randomBytes(4).toString('hex')}`);
      mkdirSync(folder);
      process.once('exit', () => removeWithChildren(folder));
      const cgroups = new Cgroups(folder);
      const cgroup = cgroups.begin();
      if (cgroup === undefined) return undefined;
      const works = tryOut(cgroup);
      cgroup.made();
      cgroup.remove();
      return works ? cgroups : undefined;
    } catch {
      return undefined;
    }
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** A new one; undefined: the machine gives no more, and the process has to do without. */
  begin(): Cgroup | undefined {
    const path = join(this.#folder, String(this.#count++));
    try {
      mkdirSync(path);
      accessSync(join(path, 'cgroup.kill'), constants.W_OK);
      const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
      return {
        fd,
        made: () => closeSync(fd),
        kill: () => killIn(path),
        // What is still in it keeps it, until this process ends.
        remove: () => rmdir(path, () => {}),
      };
    } catch {
      removeNow(path);
      return undefined;
    }
  }
}

/** The folder of this process's cgroup; undefined: there is no version 2. */
function ownFolder(): string | undefined {
  const mounts = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  return ownCgroup(readFileSync('/proc/self/cgroup', 'utf8'), mounts)?.path;
}

/** Removes what servers left that were killed. Of one that still has processes it stays. */
function sweep(own: string): void {
  for (const name of readdirSync(own)) {
    const pid = /^runlet-(\d+)-[0-9a-f]{8}$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeWithChildren(join(own, name));
  }
}

function removeWithChildren(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeNow(join(folder, entry.name));
  }
  removeNow(folder);
}

function killIn(path: string): void {
  try {
    writeFileSync(join(path, 'cgroup.kill'), '1');
  } catch {
    // It was removed: nothing is in it.
  }
}

function removeNow(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // It was not made, or something is left in it.
  }
}
