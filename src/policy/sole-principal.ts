import type { Authenticator } from '../identity/authenticator.ts';

/** Whether callers of a server can be several principals, by all who say who they are. */
export function hasSeveralPrincipals(authenticators: Iterable<Authenticator>): boolean {
  const names = new Set<string>();
  for (const { solePrincipal } of authenticators) {
    if (solePrincipal === undefined) return true;
    names.add(solePrincipal);
  }
  return names.size > 1;
}
