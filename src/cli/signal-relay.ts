import { wasIgnored } from './started-with.ts';

/** Signals that are passed on to the process. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGXCPU'] as const;

/** One of them. */
type Forwarded = (typeof FORWARDED)[number];

/**
 * Takes the signals that are meant for a process that runs elsewhere, from before it
 * is started until all of it is gone: none of them ends us with the process, or a
 * part of what we made for it, left behind.
 */
export class SignalRelay {
  readonly #pending: Forwarded[] = [];
  #target: ((signal: Forwarded) => void) | undefined;

  constructor() {
    for (const signal of FORWARDED) {
      // Who runs this wants neither it nor the process to notice.
      if (!wasIgnored(signal)) process.on(signal, () => this.#take(signal));
    }
  }

  /** Passes on what comes, and what came before; undefined: the process is over. */
  passTo(target: ((signal: Forwarded) => void) | undefined): void {
    this.#target = target;
    if (target !== undefined) for (const signal of this.#pending.splice(0)) target(signal);
  }

  #take(signal: Forwarded): void {
    if (this.#target === undefined) this.#pending.push(signal);
    else this.#target(signal);
  }
}
