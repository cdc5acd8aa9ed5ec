import { DEFAULT_LIMITS, type Limits, SHARED_STARTS_PER_SECOND } from '../limits.ts';

/** The limits of each principal, by their names. */
export const PRINCIPAL_LIMITS = [
  'maxPrincipalSessions',
  'maxPrincipalProcesses',
  'maxPrincipalStreams',
  'maxPrincipalStdinBytes',
  'principalOutputMemoryBytes',
  'principalOutputDiskBytes',
  'maxPrincipalStartsPerSecond',
] as const satisfies readonly (keyof Limits)[];

/** What one principal may have, as `Limits` has it. */
export type PrincipalBounds = Pick<Limits, (typeof PRINCIPAL_LIMITS)[number]>;

/** Tells what each principal may have. */
export interface PrincipalLimits {
  /**
   * What holds for the principal with a name now. Asked at each call, start and block of output:
   * it answers at once. It may change; what is there already stays then, and counts.
   */
  of(principal: string): PrincipalBounds;
}

/**
 * The limits of a server: those that are given, and what follows from them for each principal.
 * Where there is only one, it may have all that there is. Where there can be several, each has
 * half of it, so that none leaves the others less than that.
 */
export function serverLimits(given: Partial<Limits>, severalPrincipals: boolean): Limits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  const part = (whole: number): number => (severalPrincipals ? Math.ceil(whole / 2) : whole);
  return {
    ...limits,
    maxPrincipalSessions: part(limits.maxSessions),
    maxPrincipalProcesses: part(limits.maxProcesses),
    maxPrincipalStreams: part(DEFAULT_LIMITS.maxPrincipalStreams),
    maxPrincipalStdinBytes: part(DEFAULT_LIMITS.maxPrincipalStdinBytes),
    principalOutputMemoryBytes: part(limits.outputMemoryBytes),
    principalOutputDiskBytes: part(limits.outputDiskBytes),
    maxPrincipalStartsPerSecond: severalPrincipals ? SHARED_STARTS_PER_SECOND : 0,
    ...given,
  };
}

/**
 * Limits that are looked at whenever something is to be bounded by them, so that they can be changed
 * while a server runs: what is there already keeps what it was given. The others are what something
 * was made with.
 */
const LIVE_LIMITS = [
  'maxSessions',
  'maxProcesses',
  'maxRetainedBytes',
  'defaultRetainedBytes',
  'maxRetentionMs',
  'defaultRetentionMs',
  'tunnelIdleMs',
  'minDetachedTtlMs',
  'maxDetachedTtlMs',
  'defaultDetachedTtlMs',
  ...PRINCIPAL_LIMITS,
] as const satisfies readonly (keyof Limits)[];

/** Has a server's limits be others, as far as they are {@link LIVE_LIMITS}. */
export function changeLimits(limits: Limits, next: Limits): void {
  const changing: { -readonly [K in keyof Limits]: Limits[K] } = limits;
  for (const name of LIVE_LIMITS) changing[name] = next[name];
}

/**
 * The same limits for each, but for what `overrides` says of one: a policy, for example, which
 * answers as quickly as {@link PrincipalLimits.of} has to.
 */
export function principalLimits(
  limits: PrincipalBounds,
  overrides?: (principal: string) => Partial<PrincipalBounds> | undefined,
): PrincipalLimits {
  if (overrides === undefined) return { of: () => limits };
  return {
    of(principal) {
      const own = overrides(principal);
      return own === undefined ? limits : { ...limits, ...own };
    },
  };
}
