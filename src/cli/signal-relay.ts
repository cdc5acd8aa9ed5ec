import { setTimeout } from 'node:timers/promises';
import { wasIgnored } from './started-with.ts';

/** Signals that are passed on to the process. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGXCPU'] as const;

/** One of them, or what stops a process and has it go on. */
type Forwarded = (typeof FORWARDED)[number] | 'SIGSTOP' | 'SIGCONT';

/** Sends a signal to the process; resolves when that was done. */
type Target = (signal: Forwarded) => Promise<void>;

/** How long the process has to be stopped before we are, in milliseconds. */
const STOP_MS = 1_000;

/**
 * Takes the signals that are meant for a process that runs elsewhere, from before it
 * is started until all of it is gone: none of them ends us with the process, or a
 * part of what we made for it, left behind.
 */
export class SignalRelay {
  readonly #pending: Forwarded[] = [];
  /** Undefined: there is no process yet. */
  #target: Target | 'over' | undefined;
  /** We are to be stopped as soon as there is one. */
  #stopping = false;

  constructor() {
    for (const signal of FORWARDED) {
      // Who runs this wants neither it nor the process to notice.
      if (!wasIgnored(signal)) process.on(signal, () => this.#take(signal));
    }
    if (!wasIgnored('SIGTSTP')) process.on('SIGTSTP', () => void this.#stop());
  }

  /** Passes on what comes, and what came before; undefined: the process is over. */
  passTo(target: Target | undefined): void {
    this.#target = target ?? 'over';
    if (target === undefined) return;
    for (const signal of this.#pending.splice(0)) void target(signal);
    if (this.#stopping) void this.#stop();
  }

  #take(signal: Forwarded): void {
    if (this.#target === undefined) this.#pending.push(signal);
    else if (this.#target !== 'over') void this.#target(signal);
  }

  /**
   * Ctrl-Z: the process stops, and we do. By SIGSTOP, since it has a session of its own, in which
   * the system takes no notice of SIGTSTP: nobody there would have it go on, setpgid(2).
   */
  async #stop(): Promise<void> {
    const target = this.#target;
    this.#stopping = target === undefined;
    if (target === undefined) return;
    if (target !== 'over') {
      await Promise.race([target('SIGSTOP'), setTimeout(STOP_MS)]);
      process.once('SIGCONT', () => void target('SIGCONT'));
    }
    process.kill(process.pid, 'SIGSTOP');
  }
}
