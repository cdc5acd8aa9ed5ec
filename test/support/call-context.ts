import type { CallContext, ContextKey } from '../../src/bridge/call-context.ts';
import { RunletError } from '../../src/errors.ts';

/** The context of a call that was made without a server. */
export class TestCallContext implements CallContext {
  readonly method = '/test';
  readonly peer: unknown;
  readonly deadline = Number.POSITIVE_INFINITY;
  readonly #abort = new AbortController();
  readonly #cleanups: (() => void)[] = [];
  /** Why it failed, if it did. */
  reason: string | undefined;

  /** `peer`: the connection that it came over. */
  constructor(peer?: unknown) {
    this.peer = peer;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  header(): undefined {
    return undefined;
  }

  sendHeaders(): void {}

  reserve(): Promise<() => void> {
    return Promise.resolve(() => {});
  }

  get<T>(key: ContextKey<T>): T {
    return key.initial;
  }

  set(): void {}

  annotate(): void {}

  defer(cleanup: () => void): void {
    this.#cleanups.push(cleanup);
  }

  fail(error: unknown): void {
    if (this.reason !== undefined) return;
    this.reason = error instanceof RunletError ? error.reason : String(error);
    for (const cleanup of this.#cleanups) cleanup();
    this.#abort.abort();
  }
}
