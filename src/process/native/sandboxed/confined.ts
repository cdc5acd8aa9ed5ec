import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { COLLECT } from '../../../sandbox/first/first-messages.ts';
import type { PreparedSandbox } from '../../../sandbox/prepared-sandbox.ts';
import type { Kinship, ProcessEnd, ProcessNetwork } from '../../launcher.ts';
import { stillRuns } from '../../process-scan.ts';
import { type Delivery, signalProcess } from '../../signals.ts';
import type { Libc } from '../libc.ts';
import { signalIf } from '../marking.ts';
import type { FirstConnection } from './first-connection.ts';
import { type Inside, orphansInside, runningBelow, runningOrphansInside } from './inside.ts';
import { NetworkSockets } from './network-sockets.ts';

const { SIGKILL } = constants.signals;

/**
 * How long a sandbox that is killed has to tell how its program ended, in milliseconds: what is
 * left of it is killed then at the latest.
 */
const TELL_MS = 100;

/**
 * How long it takes at first until it is looked again whether a first process is gone that closed
 * its socket, and at most, in milliseconds.
 */
const MIN_GONE_POLL_MS = 1;
const MAX_GONE_POLL_MS = 200;

/** What a sandbox that stands is made of. */
export interface ConfinedOptions {
  readonly libc: Libc;
  readonly inside: Inside;
  readonly connection: FirstConnection;
  readonly prepared: PreparedSandbox;
  /** How what came of the monitor is told apart: the monitor and, if that was killed, the rest. */
  readonly kin: Kinship;
  /** Resolves when the monitor was reaped. */
  readonly monitorEnd: Promise<unknown>;
}

/** A program in a sandbox, and what came of it: all that is below its first process. */
export class Confined {
  /** Resolves with how the program ended. */
  readonly end: Promise<ProcessEnd>;
  readonly kin: Kinship;
  /** Undefined: the server's. */
  readonly network: ProcessNetwork | undefined;
  readonly #libc: Libc;
  readonly #inside: Inside;
  readonly #connection: FirstConnection;
  /** Resolves when nothing is left of the sandbox. */
  readonly #over: Promise<void>;
  #reaped = false;
  #killed = false;

  constructor({ connection, inside, kin, libc, monitorEnd, prepared }: ConfinedOptions) {
    this.#libc = libc;
    this.#inside = inside;
    this.#connection = connection;
    const told = this.#toldEnd();
    const gone = told.then(() => this.#firstGone());
    this.#over = Promise.all([gone, monitorEnd]).then(() => prepared.release());
    this.end = told.then(async (end) => {
      if (end !== undefined) return end;
      // Somebody killed the first process: the kernel kills all that is in its namespace then,
      // and tells nobody of it, pid_namespaces(7).
      await gone;
      this.#reaped = true;
      return { status: { signal: SIGKILL }, usage: undefined };
    });
    this.kin = this.#kinship(kin);
    this.network = prepared.network === 'none' ? new NetworkSockets(libc, connection) : undefined;
  }

  /** The number of the program. */
  get pid(): number {
    return this.#inside.program.pid;
  }

  /** Whether the number of the program may be another's. */
  reaped(): boolean {
    return this.#reaped;
  }

  async #toldEnd(): Promise<ProcessEnd | undefined> {
    const message = await this.#connection.next();
    if (message?.kind !== 'ended') {
      this.#killFirst();
      return undefined;
    }
    // The number is the program's until it is told so.
    this.#reaped = true;
    this.#connection.say(COLLECT);
    if (this.#killed) this.#killFirst();
    const { status, usage } = message;
    return { status, usage };
  }

  /** Resolves when the first process has ended, and with it all of its namespace. */
  async #firstGone(): Promise<void> {
    const { first } = this.#inside;
    // It says nothing more: its socket is open until it ends.
    while ((await this.#connection.next()) !== undefined) this.#killFirst();
    for (let delayMs = MIN_GONE_POLL_MS; stillRuns(first); delayMs *= 2) {
      await pause(Math.min(delayMs, MAX_GONE_POLL_MS), undefined, { ref: false });
    }
  }

  /** All of its namespace is killed with it. */
  #killFirst(): void {
    const { first } = this.#inside;
    signalIf(this.#libc, first.pid, SIGKILL, () => stillRuns(first));
  }

  /** At once but for the first process, which tells how the program ended. */
  #kill(): void {
    this.#killed = true;
    if (this.#reaped) {
      this.#killFirst();
      return;
    }
    signalProcess(this.#inside.program.pid, SIGKILL);
    setTimeout(() => this.#killFirst(), TELL_MS).unref();
  }

  #kinship(kin: Kinship): Kinship {
    const inside = this.#inside;
    const running = (): ReturnType<typeof runningBelow> =>
      runningBelow(runningOrphansInside(inside) ?? []);
    return {
      orphansIn: (scan) => orphansInside(inside, scan),
      // Whatever it says of itself, it is below the first process.
      unmarkedIn: () => [],
      hasOrphans: () => stillRuns(inside.first) && (runningOrphansInside(inside)?.length ?? 1) > 0,
      signalOrphans: (signal) =>
        running().map((orphan): Delivery => signalProcess(orphan.pid, signal)),
      hasOrphanIn: (group) => running().some((orphan) => orphan.group === group),
      mayHaveOrphans: async () => stillRuns(inside.first),
      kill: () => this.#kill(),
      // The monitor may be there still.
      release: () => void this.#over.then(() => kin.release()),
    };
  }
}
