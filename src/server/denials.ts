import { type Reason, RunletError } from '../errors.ts';

/** What may not be done, whoever would have it done. */
const DENIALS: ReadonlySet<Reason> = new Set([
  'UNAUTHENTICATED',
  'GRANT_MISSING',
  'POLICY_DENIED',
  'OUTSIDE_ROOT',
  'SANDBOX_REQUIRED',
  'EGRESS_DENIED',
  'LISTEN_DENIED',
]);

/** Whether a call failed since the caller may not do what it is for. */
export function isDenial(error: unknown): boolean {
  return error instanceof RunletError && DENIALS.has(error.reason);
}
