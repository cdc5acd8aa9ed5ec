import type { LimitName, ResourceLimits } from '../process/launcher.ts';
import type { ProcessSpec } from '../process/process-spec.ts';
import { policyDenied } from './denial.ts';
import type { LimitsRule } from './policy.ts';

/**
 * A spec with what a policy says that it may have at most, where it leaves that to the server.
 * `defaults`: what it has then.
 *
 * @throws RunletError `POLICY_DENIED` if it asks for more
 */
export function admitLimits(
  rule: LimitsRule,
  spec: ProcessSpec,
  defaults: Pick<ProcessSpec, 'retainedBytes' | 'retentionMs'>,
): ProcessSpec {
  const { maxTimeoutMs, timeoutRequired } = rule;
  if (spec.timeoutMs === undefined && timeoutRequired) {
    throw policyDenied('limits', 'without a timeout');
  }
  return {
    ...spec,
    timeoutMs: atMost('timeout', maxTimeoutMs, spec.timeoutMs, undefined),
    retainedBytes:
      atMost('retained_bytes', rule.maxRetainedBytes, spec.retainedBytes, defaults.retainedBytes) ??
      spec.retainedBytes,
    retentionMs:
      atMost('retention', rule.maxRetentionMs, spec.retentionMs, defaults.retentionMs) ??
      spec.retentionMs,
    limits: resourcesWithin(rule.resources, spec.limits),
  };
}

/** `value`, or `maximum` where that is less and the value is what is so where nothing is said. */
function atMost(
  what: string,
  maximum: number | undefined,
  value: number | undefined,
  unsaid: number | undefined,
): number | undefined {
  if (maximum === undefined) return value;
  if (value === undefined) return maximum;
  if (value <= maximum) return value;
  if (value === unsaid) return maximum;
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
    const value = atMost(name, maxima[name], asked?.[name], undefined);
    if (value !== undefined) limits[name] = value;
  }
  return limits;
}
