/** How many may be somewhere at one time. */
export interface ShareLimits {
  /** Of one owner. */
  readonly each: number;
  readonly all: number;
}

/** Counts who is somewhere, so that neither one nor all together become too many. */
export class Shares {
  readonly #limits: ShareLimits;
  readonly #counts = new Map<object, number>();
  #all = 0;

  constructor(limits: ShareLimits) {
    this.#limits = limits;
  }

  /** Lets one of an owner in; returns what lets it out. Undefined: there are enough. */
  enter(owner: object): (() => void) | undefined {
    const count = this.#counts.get(owner) ?? 0;
    if (count >= this.#limits.each || this.#all >= this.#limits.all) return undefined;
    this.#counts.set(owner, count + 1);
    this.#all += 1;
    return () => {
      this.#all -= 1;
      const left = (this.#counts.get(owner) ?? 1) - 1;
      if (left > 0) this.#counts.set(owner, left);
      else this.#counts.delete(owner);
    };
  }
}
