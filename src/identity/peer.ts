import { RunletError } from '../errors.ts';
import type { Authenticator, Identity } from './authenticator.ts';
import { DEFAULT_GRANTS } from './grants.ts';

/** How {@link peerAuthenticator} is made. */
export interface PeerOptions {
  /** The numbers of the users that are let in. */
  readonly uids: readonly number[];
}

/** `peer`: users of this machine, as the system tells them of a Unix socket. */
export function peerAuthenticator({ uids }: PeerOptions): Authenticator {
  const identities = new Map(uids.map((uid) => [uid, identityOf(uid)]));
  const [only, ...others] = identities.values();
  return {
    kind: 'peer',
    ...(only === undefined || others.length > 0 ? {} : { solePrincipal: only.principal.name }),
    identify({ connection: { peerUid } }) {
      if (peerUid === undefined) return undefined;
      const identity = identities.get(peerUid);
      if (identity !== undefined) return identity;
      throw new RunletError('UNAUTHENTICATED', { cause: `the user ${peerUid} is not let in` });
    },
    close: () => {},
  };
}

function identityOf(uid: number): Identity {
  return {
    principal: {
      name: `peer:${uid}`,
      kind: 'peer',
      grants: DEFAULT_GRANTS,
      expiry: Number.POSITIVE_INFINITY,
      sessionId: undefined,
    },
  };
}
