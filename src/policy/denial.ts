import { RunletError } from '../errors.ts';

/** The kinds of rules, as the metadata `rule` of `POLICY_DENIED` names them. */
export type PolicyRule =
  | 'programs'
  | 'folders'
  | 'environment'
  | 'terminals'
  | 'users'
  | 'limits'
  | 'labels'
  | 'grants';

/** What a caller is told whom a rule forbids something: which kind. `why` is for the audit alone. */
export function policyDenied(rule: PolicyRule, why: string): RunletError {
  return new RunletError('POLICY_DENIED', {
    message: `the policy of the server forbids this (${rule})`,
    metadata: { rule },
    cause: why,
  });
}
