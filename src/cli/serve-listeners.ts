import { formatAddress, isLoopback } from '../address.ts';
import { idleClock } from '../clock.ts';
import { anybodyAuthenticator } from '../identity/anybody.ts';
import type { Authenticator } from '../identity/authenticator.ts';
import { peerAuthenticator } from '../identity/peer.ts';
import type { AuthKind } from '../identity/principal.ts';
import type { ListenerOptions } from '../server/listener-options.ts';
import type { ServerLog } from '../server/server-log.ts';
import type { ListenSpec } from './listen-spec.ts';
import type { ServeFlags } from './serve-flags.ts';
import { UsageError } from './usage-error.ts';

/** The order in which callers are asked: what a call says itself counts before its connection. */
const ORDER: readonly AuthKind[] = ['token', 'jwt', 'mtls', 'peer', 'none'];

/**
 * The listeners that the flags ask for. What few servers need is loaded where it is asked for.
 *
 * @throws UsageError if they do not fit together
 */
export async function serveListeners(
  specs: readonly ListenSpec[],
  flags: ServeFlags,
  logger: ServerLog,
): Promise<readonly ListenerOptions[]> {
  const kindsOf = specs.map((spec) => authOf(spec, flags));
  const authenticators = new Map<AuthKind, Authenticator>();
  for (const kind of new Set(kindsOf.flat())) {
    authenticators.set(kind, await createAuthenticator(kind, flags, logger));
  }
  return specs.map((spec, i) => {
    const auth = ORDER.filter((kind) => kindsOf[i]?.includes(kind)).flatMap(
      (kind) => authenticators.get(kind) ?? [],
    );
    return { address: spec.address, auth, allowInsecure: flags.allowInsecure ?? false };
  });
}

/** TCP is never open by accident: it has to be said who is let in. */
function authOf(spec: ListenSpec, flags: ServeFlags): readonly AuthKind[] {
  if (spec.healthOnly) return [];
  const kinds = spec.auth ?? flags.auth;
  if (spec.address.kind === 'unix') return kinds ?? ['peer'];
  const where = formatAddress(spec.address);
  if (kinds === undefined) throw new UsageError(`--listen ${where} needs --auth`);
  if (kinds.includes('none') && !isLoopback(spec.address) && flags.allowInsecure !== true) {
    throw new UsageError(`--auth none is refused on ${where}: it is not a loopback address`);
  }
  return kinds;
}

async function createAuthenticator(
  kind: AuthKind,
  flags: ServeFlags,
  logger: ServerLog,
): Promise<Authenticator> {
  switch (kind) {
    case 'none':
      return anybodyAuthenticator();
    case 'peer':
      return peerAuthenticator({ uids: flags.allowUid ?? [process.getuid?.() ?? 0] });
    case 'token':
      return tokenAuthenticator(flags, logger);
    case 'jwt':
      return jwtAuthenticator(flags, logger);
    case 'mtls':
      throw new UsageError(`--auth ${kind} is not there yet`);
  }
}

async function jwtAuthenticator(flags: ServeFlags, log: ServerLog): Promise<Authenticator> {
  const { jwks, jwtAlgorithm: algorithms, jwtAudience: audiences, jwtIssuer: issuer } = flags;
  if (jwks === undefined || issuer === undefined || audiences === undefined) {
    throw new UsageError('--auth jwt needs --jwks, --jwt-issuer and --jwt-audience');
  }
  const { createJwtAuthenticator } = await import('../identity/jwt/jwt-authenticator.ts');
  const made = { jwks, issuer, audiences, clock: idleClock, log };
  const options = algorithms === undefined ? made : { ...made, algorithms };
  return createJwtAuthenticator(options).catch((error: Error) => {
    throw new UsageError(`--jwks: ${error.message}`);
  });
}

async function tokenAuthenticator(
  { tokenFile: path }: ServeFlags,
  log: ServerLog,
): Promise<Authenticator> {
  if (path === undefined) throw new UsageError('--auth token needs --token-file');
  const { createTokenAuthenticator } = await import('../identity/tokens/token-authenticator.ts');
  return createTokenAuthenticator({ path, log });
}
