import type { CallContext } from '../bridge/call-context.ts';
import type { Interceptor } from '../bridge/interceptor.ts';
import { draining } from '../draining.ts';

/**
 * Streams about the server itself, as health's `Watch`: they are of no session with which they
 * would end, and their clients may hold them open for ever
 * (https://github.com/grpc/grpc-node/issues/1458).
 */
export class LastingCalls {
  readonly #calls = new Set<CallContext>();
  #over = false;

  /** Takes the calls of a service whose streams are such. */
  readonly take: Interceptor = (method, context, next) => {
    if (method.methodKind === 'unary') return next();
    if (this.#over) throw draining();
    this.#calls.add(context);
    context.defer(() => this.#calls.delete(context));
    return next();
  };

  /** Ends all of them, since the server does, and each that comes yet. */
  end(): void {
    this.#over = true;
    for (const context of [...this.#calls]) context.fail(draining());
  }
}
