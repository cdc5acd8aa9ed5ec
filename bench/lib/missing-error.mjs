// @ts-check

/** Something that a part needs is not on this machine. */
export class MissingError extends Error {
  /** @param {string} what is missing, and where it would come from */
  constructor(what) {
    super(`missing: ${what}`);
    this.name = 'MissingError';
    this.what = what;
  }
}
