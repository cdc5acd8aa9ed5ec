/** What somebody knows of a folder, from a listing and what is told after it. Paths have slashes between names. */
export class KnownPaths {
  readonly #paths: Set<string>;

  constructor(listed: Iterable<string> = []) {
    this.#paths = new Set(listed);
  }

  has(path: string): boolean {
    return this.#paths.has(path);
  }

  /** All of them, sorted. */
  all(): string[] {
    return [...this.#paths].sort();
  }

  created(path: string): void {
    this.#paths.add(path);
  }

  /** With what is below it. */
  removed(path: string): void {
    for (const one of this.#paths) if (isBelow(one, path)) this.#paths.delete(one);
  }

  /** With what is below it, over what was there. */
  moved(from: string, path: string): void {
    const moved = [...this.#paths].filter((one) => isBelow(one, from));
    this.removed(from);
    this.removed(path);
    this.#paths.add(path);
    for (const one of moved) this.#paths.add(path + one.slice(from.length));
  }
}

function isBelow(one: string, path: string): boolean {
  return one === path || one.startsWith(`${path}/`);
}
