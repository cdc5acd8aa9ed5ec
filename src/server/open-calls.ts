import type { CallContext } from '../bridge/call-context.ts';
import type { Clock, Timer } from '../clock.ts';
import { RunletError } from '../errors.ts';
import type { Identity } from '../identity/authenticator.ts';
import { CREDENTIALS_LOOK_MS } from '../limits.ts';

/** Whether credentials are good at a time, in milliseconds since 1970. */
export function isGood(identity: Identity, now: number): boolean {
  return identity.principal.expiry > now && identity.holds?.() !== false;
}

/** The calls under way of callers who are known. */
export class OpenCalls {
  readonly #clock: Clock;
  readonly #all = new Set<CallContext>();
  /** Those whose callers' credentials may be over before they are. */
  readonly #calls = new Map<CallContext, Identity>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Fails a call soon after the credentials that it was made with do not hold any more. */
  add(identity: Identity, context: CallContext): void {
    this.#all.add(context);
    context.defer(() => this.#all.delete(context));
    if (identity.holds === undefined && identity.principal.expiry === Number.POSITIVE_INFINITY) {
      return;
    }
    this.#calls.set(context, identity);
    context.defer(() => this.#calls.delete(context));
    this.#timer ??= this.#clock.setTimer(CREDENTIALS_LOOK_MS, () => this.#look());
  }

  /** Fails all of them. */
  fail(error: RunletError): void {
    for (const context of [...this.#all]) context.fail(error);
  }

  /** Looks no more. */
  close(): void {
    this.#timer?.cancel();
  }

  /** One look at all of them, however many were added and ended since the last. */
  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const [context, identity] of this.#calls) {
      if (isGood(identity, now)) continue;
      context.fail(new RunletError('UNAUTHENTICATED', { cause: 'the credentials are over' }));
    }
    if (this.#calls.size === 0) return;
    this.#timer = this.#clock.setTimer(CREDENTIALS_LOOK_MS, () => this.#look());
  }
}
