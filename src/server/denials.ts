import { type Reason, RunletError } from '../errors.ts';

/** The reasons of what may not be done, whoever would have it done. */
export const DENIALS = [
  'UNAUTHENTICATED',
  'GRANT_MISSING',
  'POLICY_DENIED',
  'OUTSIDE_ROOT',
  'SANDBOX_REQUIRED',
  'EGRESS_DENIED',
  'LISTEN_DENIED',
] as const satisfies readonly Reason[];

const KNOWN: ReadonlySet<Reason> = new Set(DENIALS);

/** Whether a call failed since the caller may not do what it is for. */
export function isDenial(error: unknown): boolean {
  return error instanceof RunletError && KNOWN.has(error.reason);
}
