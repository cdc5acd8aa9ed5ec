import { type CallContext, contextKey } from '../bridge/call-context.ts';
import { ANYBODY, type Principal } from '../identity/principal.ts';

/** Who makes a call, once it was admitted. */
const CALLER = contextKey<Principal>(ANYBODY);

/** Who makes a call; whoever it may be where nobody was asked. */
export function callerOf(context: CallContext): Principal {
  return context.get(CALLER);
}

/** Says who makes a call. */
export function setCaller(context: CallContext, caller: Principal): void {
  context.set(CALLER, caller);
}
