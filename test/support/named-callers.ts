import type { CallOptions } from '../../src/bridge/types.ts';
import type { Authenticator } from '../../src/identity/authenticator.ts';
import { DEFAULT_GRANTS } from '../../src/identity/grants.ts';
import type { Principal } from '../../src/identity/principal.ts';

/** What a caller of a test is, beside its name. */
export type CallerFacts = Partial<Pick<Principal, 'expiry' | 'grants' | 'sessionId'>>;

/**
 * Lets in those who are named, by what they say, for tests of what comes after: there is no
 * secret. One that is not among them is not let in.
 */
export function namedCallers(callers: Readonly<Record<string, CallerFacts>>): Authenticator & {
  /** Lets one in no more. */
  remove(name: string): void;
} {
  const known = new Map(Object.entries(callers));
  return {
    kind: 'token',
    identify({ bearer = '' }) {
      const facts = known.get(bearer);
      if (facts === undefined) return undefined;
      const principal: Principal = {
        name: `token:${bearer}`,
        kind: 'token',
        grants: DEFAULT_GRANTS,
        expiry: Number.POSITIVE_INFINITY,
        sessionId: undefined,
        ...facts,
      };
      return { principal, holds: () => known.get(bearer) === facts };
    },
    remove: (name) => void known.delete(name),
    close: () => {},
  };
}

/** The options of a call that one of them makes. */
export function as(name: string): CallOptions {
  return { metadata: { authorization: `Bearer ${name}` } };
}
