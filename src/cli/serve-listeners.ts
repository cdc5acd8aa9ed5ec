import { formatAddress, isLoopback } from '../address.ts';
import { idleClock } from '../clock.ts';
import { anybodyAuthenticator } from '../identity/anybody.ts';
import type { Authenticator } from '../identity/authenticator.ts';
import { peerAuthenticator } from '../identity/peer.ts';
import type { AuthKind } from '../identity/principal.ts';
import type { ListenerOptions } from '../server/listener-options.ts';
import type { ServerLog } from '../server/server-log.ts';
import type { TlsFiles } from '../server/tls/tls-files.ts';
import type { TlsSource } from '../server/tls/tls-source.ts';
import type { ListenSpec } from './listen-spec.ts';
import type { Reloads } from './reloads.ts';
import { authOf, jwtSourceOf, tokenFileOf } from './serve-checks.ts';
import type { ServeFlags } from './serve-flags.ts';
import { hasTls, tlsFilesOf } from './tls-options.ts';
import { UsageError } from './usage-error.ts';

/** The order in which callers are asked: what a call says itself counts before its connection. */
const ORDER: readonly AuthKind[] = ['token', 'jwt', 'mtls', 'peer', 'none'];

/** What some kinds read, as the log calls it. */
const READ_FROM: Partial<Record<AuthKind, string>> = {
  token: 'the token file',
  jwt: 'the keys of JWTs',
};

/**
 * The listeners that flags ask for which fit together. What few servers need is loaded where it is
 * asked for.
 *
 * @throws Error if a file that they name cannot be taken as it is
 */
export async function serveListeners(
  specs: readonly ListenSpec[],
  flags: ServeFlags,
  logger: ServerLog,
  reloads: Reloads,
): Promise<readonly ListenerOptions[]> {
  const files = tlsFilesOf(flags);
  const kindsOf = specs.map((spec) => authOf(spec, flags));
  const tls = await openTlsFiles(files, logger);
  if (tls !== undefined) reloads.add('the certificates', () => tls.reload());
  const authenticators = new Map<AuthKind, Authenticator>();
  for (const kind of new Set(kindsOf.flat())) {
    const authenticator = await createAuthenticator(kind, flags, logger);
    authenticators.set(kind, authenticator);
    const what = READ_FROM[kind];
    if (what !== undefined) reloads.add(what, async () => authenticator.reload?.());
  }
  return specs.map((spec, i) => {
    warnOfOpen(spec, kindsOf[i] ?? [], logger);
    const auth = ORDER.filter((kind) => kindsOf[i]?.includes(kind)).flatMap(
      (kind) => authenticators.get(kind) ?? [],
    );
    const { allowInsecure = false } = flags;
    const socketMode = spec.passed?.mode ?? flags.socketMode;
    return {
      address: spec.address,
      auth,
      tls: hasTls(spec, flags) ? tls : undefined,
      allowInsecure,
      ...(spec.passed === undefined ? {} : { fd: spec.passed.fd }),
      ...(socketMode === undefined ? {} : { socketMode }),
    };
  });
}

/** What ends TLS with these files; undefined: there are none. */
export async function openTlsFiles(
  files: TlsFiles | undefined,
  logger: ServerLog,
): Promise<TlsSource | undefined> {
  if (files === undefined) return undefined;
  const { openTls } = await import('../server/tls/tls-source.ts');
  return openTls({ files, logger });
}

/** What was allowed on purpose stays what it is, so it is said each time. */
function warnOfOpen({ address }: ListenSpec, kinds: readonly AuthKind[], logger: ServerLog): void {
  if (!kinds.includes('none') || isLoopback(address)) return;
  logger.warn(
    { address: formatAddress(address) },
    '--allow-insecure: whoever reaches this address can run commands',
  );
}

/**
 * What finds out in a way who calls.
 *
 * @throws Error if a file that it needs cannot be taken as it is
 */
export async function createAuthenticator(
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
    case 'mtls': {
      const { mtlsAuthenticator } = await import('../identity/mtls.ts');
      return mtlsAuthenticator({ names: flags.clientName ?? [] });
    }
  }
}

async function jwtAuthenticator(flags: ServeFlags, log: ServerLog): Promise<Authenticator> {
  const { jwtAlgorithm: algorithms } = flags;
  const made = { ...jwtSourceOf(flags), clock: idleClock, log };
  const { createJwtAuthenticator } = await import('../identity/jwt/jwt-authenticator.ts');
  const options = algorithms === undefined ? made : { ...made, algorithms };
  return createJwtAuthenticator(options).catch((error: Error) => {
    throw new UsageError(`--jwks: ${error.message}`);
  });
}

async function tokenAuthenticator(flags: ServeFlags, log: ServerLog): Promise<Authenticator> {
  const path = tokenFileOf(flags);
  const { createTokenAuthenticator } = await import('../identity/tokens/token-authenticator.ts');
  return createTokenAuthenticator({ path, log });
}
