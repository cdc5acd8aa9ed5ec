import { constants } from 'node:os';
import { errnoNameOf } from '../../errno-name.ts';
import type { Kinship, Launcher, LaunchRequest, ResourceLimits } from '../launcher.ts';
import { hasOwnProc } from '../own-proc.ts';
import { signalProcess } from '../signals.ts';
import { errnoName, limitFailure, spawnFailure, unsupported } from '../start-failure.ts';
import type { StartedWith } from '../started-with.ts';
import { programTexts } from './c-text.ts';
import { canEnter } from './cgroup-entry.ts';
import { type Cgroup, Cgroups } from './cgroups.ts';
import { type ChildOrigin, ChildReaper } from './child-reaper.ts';
import { KinMarks } from './kin-marks.ts';
import { childWith, hasChildIn, isDescendant, orphansOf, runningOrphans } from './kinship.ts';
import { type Libc, PR_SET_CHILD_SUBREAPER } from './libc.ts';
import { MarkedSpawns } from './marked-spawns.ts';
import { OpenFiles } from './open-files.ts';
import { OrphanCheck } from './orphan-check.ts';
import {
  assertWithinOwn,
  type KernelLimit,
  kernelLimits,
  limitProcess,
} from './resource-limits.ts';
import { spawnAttributes } from './spawn-attributes.ts';
import { type SpawnGate, SpawnGates } from './spawn-gate.ts';

/** Makes what a child does first, with a stop at the gate if there is one. */
export type MakeActions = (gate: SpawnGate | undefined) => Buffer;

/** What all steps of making one child share. */
interface Making {
  readonly request: LaunchRequest;
  readonly actions: MakeActions;
  readonly attributes: Buffer;
}

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
  readonly #ignored: readonly number[];
  readonly #attributes: Buffer;
  /** Of children with a terminal, where all signals do what its keys mean. */
  readonly #terminalAttributes: Buffer;
  /** The same of monitors. */
  readonly #monitorAttributes: Buffer;
  readonly #terminalMonitorAttributes: Buffer;
  /** Undefined: children get that of this process. */
  readonly #openFiles: OpenFiles | undefined;
  readonly #marks: KinMarks | undefined;
  readonly #spawns: MarkedSpawns | undefined;
  readonly #cgroups: Cgroups | undefined;
  /** Undefined: children cannot be limited. */
  readonly #gates: SpawnGates | undefined;
  /** Those that are being made; each resolves with whether that worked. */
  readonly #underWay = new Set<Promise<boolean>>();
  readonly #orphans = new OrphanCheck({
    isOrphan: (child) => !this.reaper.knows(child) && this.#originOf(child) !== 'launching',
    underWay: this.#underWay,
  });
  #runningNow: ReadonlyMap<bigint, readonly number[]> | undefined;
  /** Children without marks that are being made. */
  #unmarked = 0;

  /** Children ignore the same signals as this process and have its limit of open files, as it was started. */
  constructor(libc: Libc, { ignored, openFiles }: StartedWith) {
    this.#libc = libc;
    this.#ignored = ignored;
    this.#attributes = spawnAttributes(libc, ignored);
    this.#terminalAttributes = spawnAttributes(libc, []);
    this.#monitorAttributes = spawnAttributes(libc, ignored, { blocked: true });
    this.#terminalMonitorAttributes = spawnAttributes(libc, [], { blocked: true });
    this.#openFiles = OpenFiles.create(libc, openFiles);
    const marks = KinMarks.create(libc);
    // Not without marks: orphans that are nobody's would be no better with us than with init.
    const adopts = marks !== undefined && libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) === 0;
    this.#marks = adopts ? marks : undefined;
    // What is to be limited is looked for in proc(5).
    this.#gates = hasOwnProc() ? this.#marks && SpawnGates.create(libc) : undefined;
    this.reaper = new ChildReaper(libc, (pid) => this.#originOf(pid));
    const isLaunched = (pid: number): boolean => this.reaper.knows(pid);
    this.#spawns = this.#marks && new MarkedSpawns(libc, this.#marks, isLaunched);
    // They add to marks: what is found by these is killed at once by them.
    if (this.#marks === undefined || libc.attributesSetCgroup === undefined) return;
    this.#cgroups = Cgroups.create((cgroup) => canEnter(libc, cgroup));
  }

  /** Whether children can be limited: they are found by their marks. */
  get limits(): boolean {
    return this.#gates !== undefined;
  }

  /** Undefined: children have none. */
  get marks(): KinMarks | undefined {
    return this.#marks;
  }

  /** How descendants are found. */
  get tree(): Launcher['tree'] {
    if (this.#marks === undefined || !hasOwnProc()) return 'parents';
    return this.#cgroups === undefined ? 'subreaper' : 'cgroup';
  }

  /**
   * Makes a child. A monitor is what makes a sandbox: no signal but SIGKILL ends it, and it is not
   * limited itself, see {@link limitsFor}.
   *
   * @throws RunletError `START_FAILED`
   */
  async spawn(
    request: LaunchRequest,
    actions: MakeActions,
    kind: 'program' | 'monitor' = 'program',
  ): Promise<Spawned> {
    const monitor = kind === 'monitor';
    const marks = this.#marks;
    if (marks === undefined || this.#spawns === undefined) {
      this.#unmarked += 1;
      try {
        const making = { request, actions, attributes: this.#attributesFor(request, monitor) };
        return { pid: await this.#call(making), kin: undefined };
      } finally {
        this.#unmarked -= 1;
      }
    }
    const mark = marks.take();
    // A server deep in others has a few thousand.
    if (mark === undefined) throw spawnFailure('EAGAIN');
    const cgroup = this.#cgroups?.begin();
    const kin = this.#kinOf(marks, mark, cgroup);
    const attributes = this.#attributesFor(request, monitor, cgroup);
    const making: Making = { request, actions, attributes };
    // While it is made it is the only child with its mark.
    const giveUp = (): void => {
      const child = this.#childWith(mark, marks);
      if (child !== undefined) signalProcess(child, constants.signals.SIGKILL);
    };
    request.signal?.addEventListener('abort', giveUp);
    try {
      const pid = await this.#spawns.spawn(
        mark,
        (lowered) => {
          const limits = request.limits ?? (lowered ? undefined : this.#forOpenFiles());
          return limits === undefined || monitor
            ? this.#call(making)
            : this.#spawnLimited(making, limits, () => this.#childWith(mark, marks));
        },
        request.limits === undefined && !monitor ? this.#openFiles : undefined,
      );
      return { pid, kin };
    } catch (error) {
      kin.release();
      throw error;
    } finally {
      request.signal?.removeEventListener('abort', giveUp);
      cgroup?.made();
    }
  }

  /**
   * Checks that children can have these limits.
   *
   * @throws RunletError `INVALID_REQUEST`
   */
  assertCanLimit(limits: ResourceLimits): void {
    assertWithinOwn(this.#libc, limits);
  }

  /** What a process that has the limits of this one is to be limited in by itself. */
  limitsFor(limits: ResourceLimits | undefined): readonly KernelLimit[] {
    return kernelLimits(this.#libc, limits ?? {}, this.#openFiles?.soft);
  }

  /** Apart from the spawn: it lives on, and what was to be spawned must not. */
  #kinOf(marks: KinMarks, mark: bigint, cgroup: Cgroup | undefined): Kinship {
    const isLaunched = (child: number): boolean => this.reaper.knows(child);
    return {
      orphansIn: (scan) => orphansOf(mark, scan, marks, isLaunched),
      unmarkedIn: (scan) => orphansOf(undefined, scan, marks, isLaunched),
      hasOrphans: () => this.#runningOrphans(marks).has(mark),
      signalOrphans: (signal) =>
        (runningOrphans(this.#libc, marks, isLaunched).get(mark) ?? []).map((pid) =>
          signalProcess(pid, signal),
        ),
      hasOrphanIn: (group) => hasChildIn(this.#libc, group),
      mayHaveOrphans: () => this.#orphans.mayHaveOrphans(),
      kill: cgroup && (() => cgroup.kill()),
      release: () => {
        marks.giveBack(mark);
        cgroup?.remove();
      },
    };
  }

  /**
   * The orphans that run, looked for once in a turn of the event loop, however many trees ask.
   * What runs at its end came of what ran at its beginning, so that no answer is too early.
   */
  #runningOrphans(marks: KinMarks): ReadonlyMap<bigint, readonly number[]> {
    if (this.#runningNow === undefined) {
      this.#runningNow = runningOrphans(this.#libc, marks, (pid) => this.reaper.knows(pid));
      setImmediate(() => {
        this.#runningNow = undefined;
      });
    }
    return this.#runningNow;
  }

  #attributesFor({ terminal }: LaunchRequest, monitor: boolean, cgroup?: Cgroup): Buffer {
    if (cgroup !== undefined) {
      const ignored = terminal ? [] : this.#ignored;
      return spawnAttributes(this.#libc, ignored, { cgroup: cgroup.fd, blocked: monitor });
    }
    if (monitor) return terminal ? this.#terminalMonitorAttributes : this.#monitorAttributes;
    return terminal ? this.#terminalAttributes : this.#attributes;
  }

  /** What a child is limited in that can get its limit of open files in no other way. */
  #forOpenFiles(): ResourceLimits | undefined {
    return this.#openFiles !== undefined && this.limits ? {} : undefined;
  }

  #childWith(mark: bigint, marks: KinMarks): number | undefined {
    return childWith(this.#libc, mark, marks, (pid) => this.reaper.knows(pid));
  }

  #originOf(pid: number): ChildOrigin {
    const mark = this.#marks?.of(pid);
    if (mark === undefined) return this.#unmarked > 0 ? 'launching' : 'unknown';
    if (this.#spawns?.isMaking(mark)) return 'launching';
    return isDescendant(pid) ? 'descendant' : 'unknown';
  }

  /** The child stops before it becomes its program, and is limited there. */
  async #spawnLimited(
    making: Making,
    limits: ResourceLimits,
    findChild: () => number | undefined,
  ): Promise<number> {
    if (this.#gates === undefined) throw unsupported('SPAWN', 'limit processes');
    let gate: SpawnGate;
    let refused: string | undefined;
    try {
      gate = this.#gates.close(() => {
        const child = findChild();
        if (child !== undefined && limitProcess(this.#libc, child, limits, this.#openFiles?.soft)) {
          gate.open();
          return;
        }
        // It is not found if this process has no descriptor left to look for it.
        refused = child === undefined ? 'EAGAIN' : 'EPERM';
        gate.refuse();
      });
    } catch (error) {
      throw limitFailure(errnoName(error));
    }
    try {
      return await this.#call(making, gate);
    } catch (error) {
      if (refused !== undefined) throw limitFailure(refused);
      throw error;
    } finally {
      gate.leave();
    }
  }

  /** Resolves with the pid. The actions are done with then. */
  #call(making: Making, gate?: SpawnGate): Promise<number> {
    const libc = this.#libc;
    const { attributes, request } = making;
    request.signal?.throwIfAborted();
    // All of it stays until the call is over: what is bytes is not copied.
    const given = {
      pid: [0],
      actions: making.actions(gate),
      ...programTexts(request),
    };
    const call = new Promise<number>((resolve, reject) => {
      const done = (error: unknown, errno: number): void => {
        libc.fileActionsDestroy(given.actions);
        if (error) reject(error);
        else if (errno !== 0) reject(spawnFailure(errnoNameOf(errno)));
        else resolve(given.pid[0] ?? 0);
      };
      try {
        const { actions, argv, envp, path, pid } = given;
        libc.posixSpawn.async(pid, path, actions, attributes, argv, envp, done);
      } catch (error) {
        done(error, 0);
      }
    });
    const worked = call.then(() => true).catch(() => false);
    this.#underWay.add(worked);
    void worked.then(() => this.#underWay.delete(worked));
    return call;
  }
}
