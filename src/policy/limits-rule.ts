import type { LimitName, ResourceLimits } from '../process/launcher.ts';
import type { ProcessSpec } from '../process/process-spec.ts';
import { policyDenied } from './denial.ts';
import type { LimitsRule } from './policy.ts';

/**
 * A spec with what a policy says that it may have at most, where it leaves that to the server.
 *
 * @throws RunletError `POLICY_DENIED` if it asks for more
 */
export function admitLimits(rule: LimitsRule, spec: ProcessSpec): ProcessSpec {
  const { maxTimeoutMs, timeoutRequired } = rule;
  const { leftToServer } = spec;
  if (spec.timeoutMs === undefined && timeoutRequired) {
    throw policyDenied('limits', 'without a timeout');
  }
  return {
    ...spec,
    timeoutMs: atMost('timeout', maxTimeoutMs, spec.timeoutMs),
    retainedBytes: atMost(
      'retained_bytes',
      rule.maxRetainedBytes,
      spec.retainedBytes,
      leftToServer?.has('retainedBytes'),
    ),
    retentionMs: atMost(
      'retention',
      rule.maxRetentionMs,
      spec.retentionMs,
      leftToServer?.has('retentionMs'),
    ),
    limits: resourcesWithin(rule.resources, spec.limits),
  };
}

/** A value that is at most `maximum`: that itself where nobody asked for the value. */
function atMost<T extends number | undefined>(
  what: string,
  maximum: number | undefined,
  value: T,
  isUnasked = false,
): T | number {
  if (maximum === undefined) return value;
  if (value === undefined) return maximum;
  if (value <= maximum) return value;
  if (isUnasked) return maximum;
  throw policyDenied('limits', `${what} ${value}`);
}

function resourcesWithin(
  maxima: ResourceLimits,
  asked: ResourceLimits | undefined,
): ResourceLimits | undefined {
  const names = Object.keys(maxima) as LimitName[];
  if (names.length === 0) return asked;
  const limits: Partial<Record<LimitName, number>> = { ...asked };
  for (const name of names) {
    const value = atMost(name, maxima[name], asked?.[name]);
    if (value !== undefined) limits[name] = value;
  }
  return limits;
}
