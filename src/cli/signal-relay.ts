/** Signals that are passed on to the process. */
const FORWARDED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/**
 * Takes the signals that are meant for a process that runs elsewhere, from before it
 * is started until all of it is gone: none of them ends us with the process, or a
 * part of what we made for it, left behind.
 */
export class SignalRelay {
  readonly #pending: NodeJS.Signals[] = [];
  #target: ((signal: NodeJS.Signals) => void) | undefined;

  constructor() {
    for (const signal of FORWARDED) process.on(signal, (name) => this.#take(name));
  }

  /** Passes on what comes, and what came before; undefined: the process is over. */
  passTo(target: ((signal: NodeJS.Signals) => void) | undefined): void {
    this.#target = target;
    if (target !== undefined) for (const signal of this.#pending.splice(0)) target(signal);
  }

  #take(signal: NodeJS.Signals): void {
    if (this.#target === undefined) this.#pending.push(signal);
    else this.#target(signal);
  }
}
