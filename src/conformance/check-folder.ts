/** A folder of a check on the server's machine. */
export class CheckFolder {
  /** Absolute, and without links. */
  readonly path: string;
  readonly #run: (script: string) => Promise<string>;

  constructor(path: string, run: (script: string) => Promise<string>) {
    this.path = path;
    this.#run = run;
  }

  /** The path of something in it. */
  at(name: string): string {
    return `${this.path}/${name}`;
  }

  /** The same as bytes, for a name that is no UTF-8. */
  rawAt(name: Uint8Array): Uint8Array<ArrayBuffer> {
    return Buffer.concat([Buffer.from(`${this.path}/`), name]);
  }

  /**
   * Runs a script of the shell in it, and returns what that writes.
   *
   * @throws ConformanceError if it does not exit with 0
   */
  sh(script: string): Promise<string> {
    return this.#run(script);
  }

  /** What is in it and in folders below it: names in the order of their bytes, with spaces. */
  async names(): Promise<string> {
    const found = await this.#run("find . ! -name . | LC_ALL=C sort | sed 's,^[.]/,,'");
    return found.trim().replaceAll('\n', ' ');
  }
}
