interface Queue<Log> {
  /** In the order in which they came. */
  readonly logs: Set<Log>;
  /** How many of the first have still to be told. */
  toTell: number;
}

/** Logs that wait for there to be less pressure, by whose they are, to be told a few at a time. */
export class WaitingLogs<Log> {
  readonly #queues = new Map<string, Queue<Log>>();
  /** Owners of logs that are to be told, whose turn it is first. */
  readonly #toTell = new Set<string>();

  /** Whether none waits. */
  get isEmpty(): boolean {
    return this.#queues.size === 0;
  }

  /** Whether some are to be told. */
  get hasToTell(): boolean {
    return this.#toTell.size > 0;
  }

  /** A log waits. */
  add(owner: string, log: Log): void {
    const queue = this.#queues.get(owner);
    if (queue === undefined) this.#queues.set(owner, { logs: new Set([log]), toTell: 0 });
    else queue.logs.add(log);
  }

  /** A log waits no more. */
  remove(owner: string, log: Log): void {
    const queue = this.#queues.get(owner);
    if (!queue?.logs.delete(log)) return;
    queue.toTell = Math.min(queue.toTell, queue.logs.size);
    if (queue.toTell === 0) this.#toTell.delete(owner);
    if (queue.logs.size === 0) this.#queues.delete(owner);
  }

  /** All of an owner's that wait now are to be told. */
  tell(owner: string): void {
    const queue = this.#queues.get(owner);
    if (queue === undefined) return;
    queue.toTell = queue.logs.size;
    this.#toTell.add(owner);
  }

  /** All that wait now are to be told. */
  tellAll(): void {
    for (const owner of this.#queues.keys()) this.tell(owner);
  }

  /** Takes out some that are to be told, of each owner in turn: `count` at most. */
  take(count: number): readonly Log[] {
    const taken: Log[] = [];
    while (taken.length < count) {
      const [owner] = this.#toTell;
      const queue = owner === undefined ? undefined : this.#queues.get(owner);
      if (owner === undefined || queue === undefined) return taken;
      const [log] = queue.logs;
      if (log === undefined) return taken;
      queue.toTell -= 1;
      queue.logs.delete(log);
      taken.push(log);
      this.#toTell.delete(owner);
      if (queue.toTell > 0) this.#toTell.add(owner);
      if (queue.logs.size === 0) this.#queues.delete(owner);
    }
    return taken;
  }
}
