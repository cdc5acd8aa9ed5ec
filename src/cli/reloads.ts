import type { ServerLog } from '../server/server-log.ts';

/** Reads something of the operator's again. What cannot be taken is told, and stays as it was. */
type Reload = () => Promise<void>;

/** What a server reads again when it is asked to, by SIGHUP. */
export class Reloads {
  readonly #log: ServerLog;
  readonly #all: { readonly what: string; readonly reload: Reload }[] = [];
  #running: Promise<void> | undefined;
  #again = false;

  constructor(log: ServerLog) {
    this.#log = log;
  }

  /** Has something be read again, after what was added before. `what`: as the log calls it. */
  add(what: string, reload: Reload): void {
    this.#all.push({ what, reload });
  }

  /**
   * Reads all of it again, one after the other; once more after that where it was asked for
   * meanwhile. Never rejects: what fails is logged, and the others go on.
   */
  run(): Promise<void> {
    if (this.#running !== undefined) this.#again = true;
    this.#running ??= this.#runAll().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #runAll(): Promise<void> {
    do {
      this.#again = false;
      for (const { reload, what } of this.#all) {
        try {
          await reload();
          this.#log.info({ what }, 'read again');
        } catch (err) {
          this.#log.error({ err, what }, 'could not be read again; what was before stays in force');
        }
      }
    } while (this.#again);
  }
}
