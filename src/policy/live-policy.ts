import { commonGrants, type Grant } from '../identity/grants.ts';
import type { Principal } from '../identity/principal.ts';
import { entryFor, type Policy, type PolicyEntry, type PrincipalLimitNumbers } from './policy.ts';

/** What a policy is for one caller; undefined: it names it nowhere, and it may do nothing. */
interface Stance {
  readonly entry: PolicyEntry | undefined;
  /** The caller, with what the policy leaves of its grants. */
  readonly bounded: Principal;
}

/** Nothing but numbers of limits: none is set. */
const NO_NUMBERS: PrincipalLimitNumbers = {};

/**
 * The policy that is in force, which another may replace at any time: for the calls that begin
 * from then on.
 */
export class LivePolicy {
  #policy: Policy;
  /** What was found for callers, which are made once for as long as they are used. */
  #stances = new WeakMap<Principal, Stance>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** From now on another is in force. */
  replace(policy: Policy): void {
    this.#policy = policy;
    this.#stances = new WeakMap();
  }

  /** A caller with what the policy leaves of its grants: nothing where it is not named. */
  bound(caller: Principal): Principal {
    return this.#stanceOf(caller).bounded;
  }

  /** What counts for a caller, or for what {@link bound} made of it; undefined: it is not named. */
  entryOf(caller: Principal): PolicyEntry | undefined {
    return this.#stanceOf(caller).entry;
  }

  /** What the policy says that the caller with a name may have in all. */
  limitsOf(principal: string): PrincipalLimitNumbers {
    return entryFor(this.#policy, principal)?.limits ?? NO_NUMBERS;
  }

  #stanceOf(caller: Principal): Stance {
    let stance = this.#stances.get(caller);
    if (stance === undefined) {
      const entry = entryFor(this.#policy, caller.name);
      stance = { entry, bounded: boundedBy(caller, entry) };
      this.#stances.set(caller, stance);
    }
    return stance;
  }
}

const NO_GRANTS: ReadonlySet<Grant> = new Set();

function boundedBy(caller: Principal, entry: PolicyEntry | undefined): Principal {
  const bound = entry === undefined ? NO_GRANTS : (entry.grants ?? caller.grants);
  const grants = commonGrants(caller.grants, bound);
  if (grants.size === caller.grants.size) return caller;
  const withheld = new Set([...caller.grants].filter((grant) => !grants.has(grant)));
  return { ...caller, grants, withheld };
}
