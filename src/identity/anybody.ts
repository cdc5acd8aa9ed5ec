import type { Authenticator, Identity } from './authenticator.ts';
import { ANYBODY } from './principal.ts';

const IDENTITY: Identity = { principal: ANYBODY };

/** `none`: whoever reaches the listener is let in. */
export function anybodyAuthenticator(): Authenticator {
  return { kind: 'none', solePrincipal: ANYBODY.name, identify: () => IDENTITY, close: () => {} };
}
