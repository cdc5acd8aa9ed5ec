import type { EnvPolicy } from '../environment/env-policy.ts';
import type { NamePattern } from '../environment/name-pattern.ts';
import type { Grant } from '../identity/grants.ts';
import type { ResourceLimits } from '../process/launcher.ts';
import { matchesSome, type PathPattern } from './path-pattern.ts';

/** What the operator says that each caller may do, beyond what its credentials grant. */
export interface Policy {
  /** The first that names a caller counts for it. */
  readonly entries: readonly PolicyEntry[];
}

/** What some callers may do. What is undefined is not restricted, unless it says otherwise. */
export interface PolicyEntry {
  /** Patterns of the names of callers. */
  readonly match: readonly PathPattern[];
  /** The most that they are granted, whatever their credentials say. */
  readonly grants: ReadonlySet<Grant> | undefined;
  /** Patterns of the programs that they may start, as absolute paths without links. */
  readonly programs: readonly PathPattern[] | undefined;
  /** Patterns of the folders that processes may start in, each with all that is below it. */
  readonly folders: readonly PathPattern[] | undefined;
  readonly environment: EnvironmentRule;
  /** Whether processes may have terminals. */
  readonly terminals: boolean;
  /**
   * Patterns of the users, by name or number, whom processes may run as; undefined: the server's
   * own alone.
   */
  readonly users: readonly PathPattern[] | undefined;
  readonly limits: LimitsRule;
  /** The labels that processes must have, with a pattern of the value; undefined: any value. */
  readonly labels: ReadonlyMap<string, PathPattern | undefined>;
}

/** What processes may be told of variables. */
export interface EnvironmentRule {
  /** How they may inherit those of the server; undefined: in any way. */
  readonly inherit: ReadonlySet<EnvPolicy['inherit']> | undefined;
  /** Patterns of the names that may be set; undefined: any. */
  readonly set: readonly NamePattern[] | undefined;
  /** Patterns of the names that may not be set. */
  readonly forbid: readonly NamePattern[];
}

/** What processes may have at most. */
export interface LimitsRule extends PrincipalLimitNumbers {
  /** Milliseconds that one may run; one that asks for no timeout gets this. */
  readonly maxTimeoutMs: number | undefined;
  /** Whether a start has to say how long the process may run. */
  readonly timeoutRequired: boolean;
  /** Bytes of output that may be retained; one that asks for nothing gets no more. */
  readonly maxRetainedBytes: number | undefined;
  /** Milliseconds of retention; one that asks for nothing gets no more. */
  readonly maxRetentionMs: number | undefined;
  /** What processes are limited to that ask for no limit, and cannot ask for more than. */
  readonly resources: ResourceLimits;
}

/** What one caller may have in all, in place of the server's own limits for each. */
export interface PrincipalLimitNumbers {
  readonly maxPrincipalSessions?: number;
  readonly maxPrincipalProcesses?: number;
  readonly maxPrincipalStreams?: number;
  readonly maxPrincipalStdinBytes?: number;
  readonly principalOutputMemoryBytes?: number;
  readonly principalOutputDiskBytes?: number;
  readonly maxPrincipalStartsPerSecond?: number;
}

/** What counts for a caller, by its name; undefined: the policy names it nowhere. */
export function entryFor(policy: Policy, principal: string): PolicyEntry | undefined {
  return policy.entries.find(({ match }) => matchesSome(match, principal));
}
