import type { DescMethod } from '@bufbuild/protobuf';
import type { CallContext } from './call-context.ts';

/** How a call ended. */
export interface CallOutcome {
  /** The status code. */
  readonly code: number;
  /** The error that was answered, if one was. */
  readonly error: unknown;
}

/**
 * What every call passes on its way to its handler. It goes on by `next`, which resolves once
 * the call is over, however it ends; or fails the call by throwing. What it finds out it hands
 * on by {@link CallContext.set}.
 */
export type Interceptor = (
  method: DescMethod,
  context: CallContext,
  next: () => Promise<CallOutcome>,
) => Promise<CallOutcome>;

/** A call that interceptors can end, and that tells how it did. */
interface InterceptedCall extends CallContext {
  readonly outcome: Promise<CallOutcome>;
  readonly over: boolean;
}

/** Passes a call through interceptors, from one on, to `handle`, which never throws. */
export async function intercept(
  interceptors: readonly Interceptor[],
  method: DescMethod,
  context: InterceptedCall,
  handle: () => void,
  from = 0,
): Promise<CallOutcome> {
  const first = interceptors[from];
  try {
    if (context.over) return context.outcome;
    if (first === undefined) handle();
    else {
      const next = (): Promise<CallOutcome> =>
        intercept(interceptors, method, context, handle, from + 1);
      await first(method, context, next);
    }
  } catch (error) {
    // Nothing comes of it if the call is over.
    context.fail(error);
  }
  return context.outcome;
}
