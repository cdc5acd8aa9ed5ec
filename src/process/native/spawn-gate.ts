import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { errnoNameOf } from '../../errno-name.ts';
import {
  F_GETLEASE,
  F_RDLCK,
  F_SETLEASE,
  F_UNLCK,
  type Libc,
  MFD_CLOEXEC,
  O_PATH,
} from './libc.ts';

/**
 * Holds children that posix_spawn(3) is making at a point of their file actions, so that
 * something can be done to each before it becomes its program.
 *
 * Until then a child has all descriptors of this process and its memory, and all it can do
 * is to open files: it must not wait for ever if this process ends meanwhile. So a
 * gate is a file that this process has a lease on, `F_SETLEASE` of fcntl(2): an open that
 * conflicts with it waits, and this process is told with SIGIO. It goes on when the lease is
 * given up, or its holder has ended, or after a time that the system sets
 * (`/proc/sys/fs/lease-break-time`, 45 s).
 *
 * In the latter cases the child must not become its program. So behind the gate is another
 * such file, opened without waiting, and by the descriptor of this process and not by
 * a copy: that fails while there is a lease, and when this process is gone.
 */
export class SpawnGates {
  readonly #libc: Libc;
  /** All that there are. None is ever closed: a child may be about to close its copies. */
  readonly #gates: SpawnGate[] = [];
  readonly #free: SpawnGate[] = [];

  /** Undefined where the system has no leases, or this process's descriptors are not shown. */
  static create(libc: Libc): SpawnGates | undefined {
    const gates = new SpawnGates(libc);
    try {
      const gate = gates.close(() => {});
      const works = gate.holds();
      gate.leave();
      return works ? gates : undefined;
    } catch {
      return undefined;
    }
  }

  private constructor(libc: Libc) {
    this.#libc = libc;
    // Ends the process unless somebody listens.
    process.on('SIGIO', () => {
      for (const gate of this.#gates) gate.look();
    });
  }

  /**
   * A gate that is closed; `onArrival` is called when a child stands there.
   *
   * @throws NodeJS.ErrnoException
   */
  close(onArrival: () => void): SpawnGate {
    let gate = this.#free.pop();
    if (gate === undefined) {
      gate = new SpawnGate(this.#libc, this.#gates, (left) => this.#free.push(left));
      this.#gates.push(gate);
    }
    gate.close(onArrival);
    return gate;
  }
}

/** One of them: all that it needs is opened before a child is made, so that nothing can fail later. */
export class SpawnGate {
  readonly #libc: Libc;
  readonly #all: readonly SpawnGate[];
  readonly #onLeft: (gate: SpawnGate) => void;
  /** What a child waits for. */
  readonly #barrier: Leased;
  /** What it looks at then. */
  readonly #pass: Leased;
  #onArrival: (() => void) | undefined;

  /** @throws NodeJS.ErrnoException with nothing left open */
  constructor(libc: Libc, all: readonly SpawnGate[], onLeft: (gate: SpawnGate) => void) {
    this.#libc = libc;
    this.#all = all;
    this.#onLeft = onLeft;
    this.#barrier = new Leased(libc);
    try {
      this.#pass = new Leased(libc);
    } catch (error) {
      this.#barrier.discard();
      throw error;
    }
  }

  /** Lets a child stop where these actions now end. Uses descriptor 2, which is to be set later. */
  addTo(actions: Buffer): void {
    const libc = this.#libc;
    // A lease ends with the last copy of its descriptor: no child may hold up another.
    for (const gate of this.#all) {
      libc.fileActionsAddClose(actions, gate.#barrier.fd);
      libc.fileActionsAddClose(actions, gate.#pass.fd);
    }
    const { O_NONBLOCK, O_WRONLY } = constants;
    libc.fileActionsAddOpen(actions, 2, this.#barrier.pathInChild, O_WRONLY, 0);
    libc.fileActionsAddClose(actions, 2);
    libc.fileActionsAddOpen(actions, 2, this.#pass.path, O_WRONLY | O_NONBLOCK, 0);
  }

  /** @throws NodeJS.ErrnoException */
  close(onArrival: () => void): void {
    this.#onArrival = onArrival;
    try {
      this.#pass.take();
      this.#barrier.take();
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /** Whether it would hold a child: tried without waiting. */
  holds(): boolean {
    return this.#barrier.isHeld() && this.#pass.isHeld();
  }

  /** Something has happened to a gate, which may be this one. */
  look(): void {
    if (this.#onArrival === undefined || !this.#barrier.isWanted()) return;
    const onArrival = this.#onArrival;
    this.#onArrival = undefined;
    onArrival();
  }

  /** Lets the child go on, to become its program. */
  open(): void {
    this.#pass.giveUp();
    this.#barrier.giveUp();
  }

  /** Lets the child go on, to fail. */
  refuse(): void {
    this.#barrier.giveUp();
  }

  /** The child is its program, or nothing: the gate is free for the next. */
  leave(): void {
    this.#onArrival = undefined;
    this.open();
    this.#onLeft(this);
  }
}

/** A file in memory that this process alone knows, with a lease on it at times. */
class Leased {
  readonly fd: number;
  readonly #libc: Libc;
  /** Of the same file: it has no part in the lease, and can be opened by what it is called. */
  readonly #handle: number;

  /** @throws NodeJS.ErrnoException with nothing left open */
  constructor(libc: Libc) {
    this.#libc = libc;
    const made = libc.memfdCreate('runlet-gate', MFD_CLOEXEC);
    if (made < 0) throw systemError(libc);
    const path = `/proc/self/fd/${made}`;
    try {
      // A lease for reading is given on what was opened so.
      this.fd = openSync(path, constants.O_RDONLY);
      try {
        this.#handle = openSync(path, O_PATH);
      } catch (error) {
        closeSync(this.fd);
        throw error;
      }
    } finally {
      closeSync(made);
    }
  }

  /** Where this process has it; the same in a child, until this process ends. */
  get path(): string {
    // Not its pid: proc(5) may be that of another namespace.
    return `/proc/${ownName()}/fd/${this.#handle}`;
  }

  /** Where a child that is being made has a copy of the descriptor. */
  get pathInChild(): string {
    return `/proc/self/fd/${this.#handle}`;
  }

  /** @throws NodeJS.ErrnoException */
  take(): void {
    if (this.#libc.fcntl(this.fd, F_SETLEASE, F_RDLCK) !== 0) throw systemError(this.#libc);
  }

  giveUp(): void {
    this.#libc.fcntl(this.fd, F_SETLEASE, F_UNLCK);
  }

  /** Whether somebody waits to open it. */
  isWanted(): boolean {
    return this.#libc.fcntl(this.fd, F_GETLEASE, 0) !== F_RDLCK;
  }

  /** Whether it cannot be opened now. */
  isHeld(): boolean {
    try {
      closeSync(openSync(this.path, constants.O_WRONLY | constants.O_NONBLOCK));
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EAGAIN';
    }
  }

  discard(): void {
    closeSync(this.fd);
    closeSync(this.#handle);
  }
}

let own: string | undefined;

/** What proc(5) calls this process. */
function ownName(): string {
  own ??= readlinkSync('/proc/self');
  return own;
}

function systemError(libc: Libc): Error {
  const code = errnoNameOf(libc.errno());
  return Object.assign(new Error(code), { code });
}
