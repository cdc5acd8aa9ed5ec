import { constants } from 'node:os';
import type { Kinship } from './launcher.ts';
import { type ProcessScan, type ScannedProcess, scanProcesses, stillRuns } from './process-scan.ts';
import { type Delivery, groupOutlivesLeader, signalGroup, signalProcess } from './signals.ts';

/**
 * A process that leads a session and a group, and all that came of it: its group,
 * its session, orphans of its kin, all their descendants, and what was found of these
 * before. Where the launcher knows no kin, one is not found that made a session of its
 * own and whose parent ended before anybody looked: nothing says any more whose it was.
 */
export class ProcessTree {
  /** The number of its leader. */
  readonly leader: number;
  readonly #leaderReaped: () => boolean;
  readonly #kin: Kinship | undefined;
  /** Members outside of the group, by pid and start time. */
  readonly #strays = new Map<string, ScannedProcess>();
  /** Members of the group; undefined where there is no proc(5) to tell of them. */
  #inGroup: readonly ScannedProcess[] | undefined = [];
  /** Neither its group nor its session has members, and never will again. */
  #gone = false;

  constructor(leader: number, leaderReaped: () => boolean, kin: Kinship | undefined) {
    this.leader = leader;
    this.#leaderReaped = leaderReaped;
    this.#kin = kin;
  }

  /** Looks for members outside of the group, so that {@link signal} reaches them. */
  async collect(): Promise<void> {
    await this.#look();
  }

  /** Whether anything of it, or of its group alone, still runs though its leader was reaped. */
  async hasMembers(scope: 'tree' | 'group'): Promise<boolean> {
    for (;;) {
      const members = await this.#look();
      if (members === undefined) {
        return this.#groupIsOurs() || (scope === 'tree' && this.#kin?.hasOrphans() === true);
      }
      // One that ended but was not reaped is none: init, whose child it is now, may be slow.
      const running = members.filter(
        ({ ended, group }) => !ended && (scope === 'tree' || group === this.leader),
      );
      if (running.some((member) => stillRuns(member))) return true;
      // What ended since it was seen, or while it was looked for, may have left another.
      if (scope === 'tree' && this.#leaderReaped() && this.#kin?.hasOrphans()) return true;
      if (running.length === 0) return false;
    }
  }

  /** Sends a signal, by the machine's number, to the group and what was found outside of it. */
  signal(signal: number): Delivery {
    const deliveries: Delivery[] = [];
    if (signal === constants.signals.SIGKILL) this.#kin?.kill?.();
    deliveries.push(this.signalGroup(signal));
    if (this.#inGroup === undefined) deliveries.push(...(this.#kin?.signalOrphans(signal) ?? []));
    for (const stray of this.#strays.values()) {
      if (stillRuns(stray)) deliveries.push(signalProcess(stray.pid, signal));
    }
    if (deliveries.includes('sent')) return 'sent';
    return deliveries.includes('denied') ? 'denied' : 'gone';
  }

  /** Sends a signal, by the machine's number, to the group alone. */
  signalGroup(signal: number): Delivery {
    return this.#groupIsOurs() ? signalGroup(this.leader, signal) : 'gone';
  }

  /**
   * Its number was given to a new process, so nothing bears it any more that was
   * of this tree: a group or session of that number is somebody else's from now on.
   */
  numberReused(): void {
    this.#gone = true;
  }

  /** Those of it in a scan that run, its leader first. */
  runningIn(scan: ProcessScan): readonly ScannedProcess[] {
    const leader = this.#leaderReaped() ? undefined : scan.byPid.get(this.leader);
    const members = this.#membersIn(scan);
    const all = leader === undefined ? members : [leader, ...members];
    return all.filter(({ ended }) => !ended);
  }

  /** To be called when nothing of it is left, or nobody will ask for it any more. */
  release(): void {
    this.#kin?.release();
  }

  /** Its members, of which it remembers those outside of the group; undefined without proc(5). */
  async #look(): Promise<readonly ScannedProcess[] | undefined> {
    if (this.#leaderReaped() && (await this.#kin?.mayHaveOrphans()) === false) {
      this.#strays.clear();
      this.#inGroup = [];
      this.#gone = true;
      return [];
    }
    const scan = await scanProcesses();
    if (scan === undefined) {
      this.#inGroup = undefined;
      return undefined;
    }
    const members = this.#membersIn(scan);
    this.#inGroup = members.filter(({ group }) => group === this.leader);
    this.#strays.clear();
    for (const member of members) {
      if (member.group !== this.leader) this.#strays.set(keyOf(member), member);
    }
    if (members.length === 0 && this.#leaderReaped() && !this.#kin?.hasOrphans()) {
      this.#gone = true;
    }
    return members;
  }

  /** Its members in a scan, but for the leader. */
  #membersIn(scan: ProcessScan): readonly ScannedProcess[] {
    const pending: ScannedProcess[] = [
      ...this.#bearersIn(scan),
      ...(this.#kin?.orphansIn(scan) ?? []),
    ];
    for (const stray of this.#strays.values()) {
      const now = scan.byPid.get(stray.pid);
      if (now?.startTime === stray.startTime) pending.push(now);
    }
    const members = new Map<number, ScannedProcess>();
    for (let process = pending.pop(); process !== undefined; process = pending.pop()) {
      if (members.has(process.pid)) continue;
      members.set(process.pid, process);
      pending.push(...(scan.byParent.get(process.pid) ?? []));
    }
    members.delete(this.leader);
    return [...members.values()];
  }

  /**
   * What is of it in a scan because of the group or the session that it is in. Whose these
   * are is certain while nobody reaped the leader. Later they may be a stranger's: the
   * number was given away once nothing bore it any more, and that process led a group and ended
   * too. Then kinship decides; of it is what they have who tell nothing of theirs.
   */
  #bearersIn(scan: ProcessScan): readonly ScannedProcess[] {
    if (this.#gone) return [];
    const leader = scan.byPid.get(this.leader);
    const reaped = this.#leaderReaped();
    // A number is given to no new process while a group or session bears it. So if the
    // leader was reaped and its number is in use, none of them is ours any more.
    if (reaped && leader !== undefined) return [];
    if (reaped && this.#kin !== undefined) {
      return this.#kin
        .unmarkedIn(scan)
        .filter(({ group, session }) => group === this.leader || session === this.leader);
    }
    const bearers = [
      ...(scan.byGroup.get(this.leader) ?? []),
      ...(scan.bySession.get(this.leader) ?? []),
    ];
    return leader === undefined ? bearers : [...bearers, leader];
  }

  /** Whether the group with its leader's number is its own, and has members. */
  #groupIsOurs(): boolean {
    if (!this.#leaderReaped()) return true;
    if (this.#gone) return false;
    if (this.#kin === undefined) return groupOutlivesLeader(this.leader);
    // While one of ours bears the number it is given to nobody else.
    return (
      this.#inGroup?.some((member) => stillRuns(member, this.leader)) ??
      this.#kin.hasOrphanIn(this.leader)
    );
  }
}

function keyOf({ pid, startTime }: ScannedProcess): string {
  return `${pid} ${startTime}`;
}
