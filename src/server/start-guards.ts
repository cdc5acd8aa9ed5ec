import type { CallContext } from '../bridge/call-context.ts';
import { policyDenied } from '../policy/denial.ts';
import type { LivePolicy } from '../policy/live-policy.ts';
import { type PolicyGuard, policyGuard, UNRESTRICTED } from '../policy/policy-guard.ts';
import type { StartGuard } from '../process/start-guard.ts';
import type { AskedProgram, Audit } from '../telemetry/audit.ts';
import { STARTING, whoDidWhat } from './audit-calls.ts';
import { assertRecordable } from './audit-required.ts';
import { callerOf } from './caller.ts';
import { ownUser } from './own-user.ts';

/** Says what the caller of a call may start, by the policy in force when it is called. */
export type GuardOf = (context: CallContext) => StartGuard;

/** What it is made with. */
export interface StartGuardOptions {
  readonly audit: Audit;
  /** Undefined: there is none, and everything may be started. */
  readonly policy: LivePolicy | undefined;
}

/** Makes what says for each call what it may start, and records what it did. */
export function startGuards({ audit, policy }: StartGuardOptions): GuardOf {
  const own = ownUser();
  const rulesFor = (context: CallContext): PolicyGuard => {
    if (policy === undefined) return UNRESTRICTED;
    const entry = policy.entryOf(callerOf(context));
    // It was named when it was let in, and is not any more.
    if (entry === undefined) throw policyDenied('grants', 'start');
    return policyGuard({ entry, own });
  };
  return (context) => {
    assertRecordable(audit);
    const rules = rulesFor(context);
    let asked: AskedProgram = { program: '', args: [], user: undefined };
    const ask = (more: Partial<AskedProgram>): void => {
      asked = { ...asked, ...more };
      context.set(STARTING, asked);
    };
    return {
      admit(spec) {
        const [program = '', ...args] = spec.argv;
        ask({ program, args, user: spec.user });
        return rules.admit(spec);
      },
      approveUser(name, user) {
        rules.approveUser(name, user);
        ask({ user: user?.name ?? name });
      },
      async approve(goal) {
        const approved = await rules.approve(goal);
        ask({ program: approved.program });
        return approved;
      },
      started(processId) {
        context.set(STARTING, undefined);
        const detail = audit.detailOfStart(asked);
        audit.record({ ...whoDidWhat(context), processId, outcome: 'ok', reason: '', detail });
      },
    };
  };
}
