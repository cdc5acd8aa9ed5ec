import type { UnreadyReason } from '../telemetry/meter.ts';

/** Whether new work is to go to a server. */
export interface ReadyState {
  readonly ready: boolean;
  /** Why not; empty where it is ready. */
  readonly reasons: readonly UnreadyReason[];
}

/** Knows whether new work is to go to a server, and tells those who follow it. */
export class Readiness {
  readonly #reasons = new Set<UnreadyReason>();
  readonly #followers = new Set<(state: ReadyState) => void>();

  /** What holds now. */
  get current(): ReadyState {
    return { ready: this.#reasons.size === 0, reasons: [...this.#reasons] };
  }

  /** Says whether there is a reason. Who follows is told at once where that is new. */
  set(reason: UnreadyReason, holds: boolean): void {
    if (this.#reasons.has(reason) === holds) return;
    if (holds) this.#reasons.add(reason);
    else this.#reasons.delete(reason);
    const { current } = this;
    for (const follower of [...this.#followers]) follower(current);
  }

  /** Calls back at each change of what holds. Returns how to be left out. */
  follow(callback: (state: ReadyState) => void): () => void {
    this.#followers.add(callback);
    return () => this.#followers.delete(callback);
  }
}
