import { Metadata, type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { CallContext, CallReport } from './call-context.ts';

/** What all four kinds of grpc-js calls have. */
type AnyServerCall = Pick<
  ServerUnaryCall<unknown, unknown>,
  'cancelled' | 'getDeadline' | 'getPath' | 'metadata' | 'sendMetadata'
> & { once(event: 'cancelled', listener: () => void): unknown };

/** The context of a call that came through grpc-js. */
export class GrpcCallContext implements CallContext {
  readonly method: string;
  readonly #call: AnyServerCall;
  readonly #report: (report: CallReport) => void;
  readonly #began = performance.now();
  readonly #abort = new AbortController();
  readonly #ids: Record<string, string> = {};
  #over = false;

  /** `report` is called once, when the call is over. */
  constructor(call: AnyServerCall, report: (report: CallReport) => void) {
    this.method = call.getPath();
    this.#call = call;
    this.#report = report;
    // Emitted after every call, successful ones included
    // (https://github.com/grpc/grpc-node/issues/2771): it cancels only what we did not end.
    call.once('cancelled', () => this.#cancelled());
    if (call.cancelled) this.#cancelled();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get deadline(): number {
    return Number(this.#call.getDeadline());
  }

  header(name: string): string | undefined {
    const [value] = this.#call.metadata.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  sendHeaders(): void {
    this.#call.sendMetadata(new Metadata());
  }

  annotate(ids: Readonly<Record<string, string>>): void {
    Object.assign(this.#ids, ids);
  }

  /** To be called when the handler is done and a status is about to be sent. */
  finish(code: number, error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#report({
      method: this.method,
      code,
      durationMs: performance.now() - this.#began,
      ids: this.#ids,
      error,
    });
  }

  #cancelled(): void {
    if (this.#over) return;
    const late = Date.now() >= this.deadline;
    this.finish(late ? status.DEADLINE_EXCEEDED : status.CANCELLED);
    this.#abort.abort();
  }
}
