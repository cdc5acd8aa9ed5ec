import type { Kinship, LaunchRequest, ResourceLimits } from '../launcher.ts';
import { errnoName, spawnFailure, startFailure, unsupported } from '../start-failure.ts';
import { type ChildOrigin, ChildReaper } from './child-reaper.ts';
import { errnoNameOf } from './errno-name.ts';
import { KinMarks } from './kin-marks.ts';
import { childWith, orphansOf } from './kinship.ts';
import {
  type Libc,
  POSIX_SPAWN_SETSID,
  POSIX_SPAWN_SETSIGDEF,
  POSIX_SPAWN_SETSIGMASK,
  PR_SET_CHILD_SUBREAPER,
  SIGSET_SIZE,
  SPAWN_ATTRIBUTES_SIZE,
} from './libc.ts';
import { MarkedSpawns } from './marked-spawns.ts';
import { assertWithinOwn, limitProcess } from './resource-limits.ts';
import { SpawnGate } from './spawn-gate.ts';

/** Makes the actions that a child does first, with a stop at the gate if there is one. */
export type MakeActions = (gate: SpawnGate | undefined) => Buffer;

/** A child that was made. */
export interface Spawned {
  readonly pid: number;
  readonly kin: Kinship | undefined;
}

/**
 * Makes children with posix_spawn(3): marked, so that what comes of them can be told
 * apart, and limited where that is asked for. This process becomes the parent of
 * their orphans.
 */
export class Spawner {
  /** Collects their ends. */
  readonly reaper: ChildReaper;
  readonly #libc: Libc;
  readonly #attributes: Buffer;
  readonly #marks: KinMarks | undefined;
  readonly #spawns: MarkedSpawns | undefined;
  readonly #gates: SpawnGate[] = [];
  /** How many children it began to make. */
  #calls = 0;
  /** Children without marks that are being made. */
  #unmarked = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#attributes = spawnAttributes(libc);
    const marks = KinMarks.create(libc);
    // Not without marks: orphans that are nobody's would be no better with us than with init.
    const adopts = marks !== undefined && libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) === 0;
    this.#marks = adopts ? marks : undefined;
    this.#spawns = this.#marks && new MarkedSpawns(this.#marks);
    this.reaper = new ChildReaper(libc, (pid) => this.#originOf(pid));
  }

  /** Whether children have marks, without which they cannot be limited either. */
  get marks(): boolean {
    return this.#marks !== undefined;
  }

  /**
   * Makes a child.
   *
   * @throws RunletError `START_FAILED`
   */
  async spawn(request: LaunchRequest, actions: MakeActions): Promise<Spawned> {
    const marks = this.#marks;
    const { limits } = request;
    if (marks === undefined || this.#spawns === undefined) {
      this.#unmarked += 1;
      try {
        return { pid: await this.#call(request, actions(undefined)), kin: undefined };
      } finally {
        this.#unmarked -= 1;
      }
    }
    const mark = marks.take();
    try {
      const pid = await this.#spawns.spawn(mark, () =>
        limits === undefined
          ? this.#call(request, actions(undefined))
          : this.#spawnLimited(request, actions, limits, () => childWith(mark, marks)),
      );
      return {
        pid,
        kin: {
          orphansIn: (scan) => orphansOf(mark, scan, marks, (child) => this.reaper.knows(child)),
          release: () => marks.giveBack(mark),
        },
      };
    } catch (error) {
      marks.giveBack(mark);
      throw error;
    }
  }

  /**
   * Checks that children can have these limits.
   *
   * @throws RunletError `START_FAILED`, `INVALID_REQUEST`
   */
  assertCanLimit(limits: ResourceLimits): void {
    if (!this.marks) throw unsupported('SPAWN', 'limit processes');
    assertWithinOwn(this.#libc, limits);
  }

  #originOf(pid: number): ChildOrigin {
    const mark = this.#marks?.of(pid);
    if (mark === undefined) return this.#unmarked > 0 ? 'launching' : 'unknown';
    return this.#spawns?.isMaking(mark) ? 'launching' : 'descendant';
  }

  /** The child stops before it becomes its program, and is limited there. */
  async #spawnLimited(
    request: LaunchRequest,
    actions: MakeActions,
    limits: ResourceLimits,
    findChild: () => number | undefined,
  ): Promise<number> {
    let gate: SpawnGate | undefined;
    let refused = false;
    try {
      gate = this.#freeGate();
      gate.close(() => {
        const child = findChild();
        refused = child === undefined || !limitProcess(this.#libc, child, limits);
        if (refused && child !== undefined) process.kill(child, 'SIGKILL');
        gate?.open();
      });
    } catch (error) {
      throw limitFailure(errnoName(error));
    }
    const calls = this.#calls + 1;
    try {
      const pid = await this.#call(request, actions(gate));
      if (!refused) return pid;
      await this.reaper.endOf(pid);
      throw limitFailure('EPERM');
    } finally {
      gate.leave();
      if (this.#calls !== calls) this.#discard(gate);
    }
  }

  /** Most often the only one that there is: children are made one at a time. */
  #freeGate(): SpawnGate {
    const free = this.#gates.find((gate) => gate.free);
    if (free !== undefined) return free;
    const gate = new SpawnGate(this.#libc);
    this.#gates.push(gate);
    return gate;
  }

  /**
   * A child that was made while this one was at the gate may have a copy of our end of
   * it for a moment longer, the closing of which would be taken for the next arrival.
   */
  #discard(gate: SpawnGate): void {
    this.#gates.splice(this.#gates.indexOf(gate), 1);
    gate.discard();
  }

  /** Resolves with the pid. The actions are done with then. */
  #call(request: LaunchRequest, actions: Buffer): Promise<number> {
    const libc = this.#libc;
    this.#calls += 1;
    const argv = [request.arg0, ...request.args, null];
    const envp = [...Array.from(request.env, ([name, value]) => `${name}=${value}`), null];
    const pid = [0];
    return new Promise((resolve, reject) => {
      const done = (error: unknown, errno: number): void => {
        libc.fileActionsDestroy(actions);
        if (error) reject(error);
        else if (errno !== 0) reject(spawnFailure(errnoNameOf(errno)));
        else resolve(pid[0] ?? 0);
      };
      try {
        libc.posixSpawn.async(pid, request.program, actions, this.#attributes, argv, envp, done);
      } catch (error) {
        done(error, 0);
      }
    });
  }
}

function limitFailure(errno: string): Error {
  return startFailure('SPAWN', errno, `the process could not be limited: ${errno}`);
}

/** A session of its own, default dispositions, an empty mask. The same for every child. */
function spawnAttributes(libc: Libc): Buffer {
  const attributes = Buffer.alloc(SPAWN_ATTRIBUTES_SIZE);
  const none = Buffer.alloc(SIGSET_SIZE);
  // Not by sigfillset(3): it leaves out two signals that glibc uses itself, and
  // posix_spawn would have the child ignore those.
  const all = Buffer.alloc(SIGSET_SIZE, 0xff);
  libc.attributesInit(attributes);
  libc.attributesSetSigmask(attributes, none);
  libc.attributesSetSigdefault(attributes, all);
  libc.attributesSetFlags(
    attributes,
    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF,
  );
  return attributes;
}
