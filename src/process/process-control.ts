import type { Clock } from '../clock.ts';
import { RunletError } from '../errors.ts';
import type { ProcessTree } from './process-tree.ts';
import { type Delivery, hostSignal, signalProcess } from './signals.ts';
import { TreeEnding } from './tree-ending.ts';

/** Whom a signal reaches. */
export type SignalScope = 'tree' | 'group' | 'leader';

/** What is known of the process itself, the leader of its tree. */
export interface LeaderState {
  /** It was reaped: its number may be another's. */
  reaped(): boolean;
  /** Its end was told, which is a little later. */
  exited(): boolean;
  /** It was started with a terminal. */
  readonly hasTerminal: boolean;
}

/** How a process, and what came of it, is signaled and ended. */
export class ProcessControl {
  readonly #tree: ProcessTree;
  readonly #leader: LeaderState;
  readonly #clock: Clock;
  /** Those that have begun, by whom they end. */
  readonly #endings = new Map<SignalScope, TreeEnding>();

  constructor(tree: ProcessTree, leader: LeaderState, clock: Clock) {
    this.#tree = tree;
    this.#leader = leader;
    this.#clock = clock;
  }

  /**
   * Sends a signal, numbered as Linux does.
   *
   * @throws RunletError `PROCESS_EXITED`, `SIGNAL_DENIED`; `INVALID_REQUEST` if this machine has
   *   no such signal
   */
  async signal(linuxNumber: number, scope: SignalScope): Promise<void> {
    const signal = hostSignal(linuxNumber);
    if (signal === undefined) {
      throw new RunletError('INVALID_REQUEST', { message: 'this machine has no such signal' });
    }
    let left = true;
    if (this.#leader.reaped() && scope !== 'leader') {
      // What ended and was not reaped yet could still be signaled, to no effect.
      left = await this.#tree.hasMembers(scope);
    } else if (scope === 'tree') {
      await this.#tree.collect();
    }
    const delivery = left ? this.#send(signal, scope) : 'gone';
    if (delivery === 'gone') throw new RunletError('PROCESS_EXITED');
    if (delivery === 'denied') throw new RunletError('SIGNAL_DENIED');
  }

  /**
   * Ends as much as `scope` says: SIGTERM, a grace, SIGKILL. Resolves when that is
   * over. A second call joins the first, and can only make its grace shorter.
   */
  async terminate(graceMs: number, scope: SignalScope): Promise<void> {
    let ending = this.#endings.get(scope);
    if (ending === undefined || ending.over) {
      ending = new TreeEnding(this.#target(scope), this.#clock, graceMs);
      this.#endings.set(scope, ending);
    } else {
      ending.shorten(graceMs);
    }
    await ending.wait();
  }

  /** To be called when the leader exited. */
  leaderExited(): void {
    for (const ending of this.#endings.values()) ending.leaderExited();
  }

  #target(scope: SignalScope): ConstructorParameters<typeof TreeEnding>[0] {
    const tree = this.#tree;
    return {
      hangsUp: this.#leader.hasTerminal,
      leaderExited: () => this.#leader.exited(),
      collect: async () => {
        if (scope === 'tree') await tree.collect();
      },
      hasMembers: async () => scope !== 'leader' && tree.hasMembers(scope),
      signal: (signal) => void this.#send(signal, scope),
    };
  }

  #send(signal: number, scope: SignalScope): Delivery {
    if (scope === 'tree') return this.#tree.signal(signal);
    if (scope === 'group') return this.#tree.signalGroup(signal);
    return this.#leader.reaped() ? 'gone' : signalProcess(this.#tree.leader, signal);
  }
}
