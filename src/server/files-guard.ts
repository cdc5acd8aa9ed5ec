import type { CallContext } from '../bridge/call-context.ts';
import { policyDenied } from '../policy/denial.ts';
import type { LivePolicy } from '../policy/live-policy.ts';
import { assertUser } from '../policy/policy-guard.ts';
import { callerOf } from './caller.ts';
import { ownUser } from './own-user.ts';

/**
 * Says whether the caller of a call may touch files: all is done with the rights of the server's
 * own user, so that one whose processes may only run as others may not.
 *
 * @throws RunletError `POLICY_DENIED`
 */
export function filesGuard(policy: LivePolicy | undefined): (context: CallContext) => void {
  if (policy === undefined) return () => {};
  const own = ownUser();
  return (context) => {
    const entry = policy.entryOf(callerOf(context));
    if (entry === undefined) throw policyDenied('grants', 'files');
    assertUser(entry, own, own);
  };
}
