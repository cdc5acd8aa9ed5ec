import { Fifo } from './output/fifo.ts';

/** Who asks for something: one of those that a principal has, or it by itself. */
export interface Asker {
  /** Its name. */
  readonly principal: string;
  /** The session or connection. */
  readonly asker: unknown;
}

/**
 * What waits for its turn: principals have theirs each at a time, and of each of them those who
 * ask, however many these are, and however much one of them asks for.
 */
export class TurnQueue<T> {
  /** Of each who has something that waits; who was served goes to the end. */
  readonly #principals = new Map<string, Map<unknown, Fifo<T>>>();

  /** Something waits. */
  push({ asker, principal }: Asker, item: T): void {
    const askers = this.#principals.get(principal) ?? new Map<unknown, Fifo<T>>();
    const queue = askers.get(asker) ?? new Fifo<T>();
    queue.push(item);
    askers.set(asker, queue);
    this.#principals.set(principal, askers);
  }

  /** Takes what is next; undefined: nothing waits. */
  shift(): T | undefined {
    const [first] = this.#principals;
    if (first === undefined) return undefined;
    const [principal, askers] = first;
    const [next] = askers;
    this.#principals.delete(principal);
    if (next === undefined) return undefined;
    const [asker, queue] = next;
    const item = queue.shift();
    askers.delete(asker);
    if (queue.length > 0) askers.set(asker, queue);
    if (askers.size > 0) this.#principals.set(principal, askers);
    return item;
  }

  /** Takes all. */
  clear(): readonly T[] {
    const all: T[] = [];
    for (let item = this.shift(); item !== undefined; item = this.shift()) all.push(item);
    return all;
  }
}
