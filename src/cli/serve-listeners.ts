import { type Address, formatAddress, isLoopback } from '../address.ts';
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
import type { ServeFlags } from './serve-flags.ts';
import { hasTls, tlsFilesOf } from './tls-options.ts';
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
  const files = tlsFilesOf(flags);
  const kindsOf = specs.map((spec) => authOf(spec, flags));
  if (files !== undefined && !specs.some((spec) => hasTls(spec, flags))) {
    throw new UsageError('--tls-cert needs a --listen over TCP that has TLS');
  }
  if (flags.tokenFile !== undefined && !kindsOf.flat().includes('token')) {
    throw new UsageError('--token-file is of no use without --auth token');
  }
  const tls = await tlsOf(files, logger);
  const authenticators = new Map<AuthKind, Authenticator>();
  for (const kind of new Set(kindsOf.flat())) {
    authenticators.set(kind, await createAuthenticator(kind, flags, logger));
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

/** TCP is never open by accident: it has to be said who is let in. */
function authOf(spec: ListenSpec, flags: ServeFlags): readonly AuthKind[] {
  if (spec.healthOnly) return [];
  const kinds = spec.auth ?? flags.auth;
  if (spec.address.kind === 'unix') return unixAuthOf(spec.address, kinds);
  const where = formatAddress(spec.address);
  if (kinds === undefined) throw new UsageError(`--listen ${where} needs --auth`);
  if (kinds.includes('none') && !isLoopback(spec.address) && flags.allowInsecure !== true) {
    throw new UsageError(`--auth none is refused on ${where}: it is not a loopback address`);
  }
  if (kinds.includes('mtls') && !(hasTls(spec, flags) && flags.clientCa !== undefined)) {
    throw new UsageError(
      `--auth mtls on ${where} needs TLS: --tls-cert, --tls-key and --client-ca`,
    );
  }
  // An authority signs for more than one purpose, so whom it knows is not who may run commands.
  if (kinds.includes('mtls') && flags.clientName === undefined) {
    throw new UsageError(
      `--auth mtls on ${where} needs --client-name: which names of certificates are let in`,
    );
  }
  return kinds;
}

function unixAuthOf(address: Address, kinds: readonly AuthKind[] = ['peer']): readonly AuthKind[] {
  if (!kinds.includes('mtls')) return kinds;
  throw new UsageError(`--auth mtls on ${formatAddress(address)}: Unix sockets have no TLS`);
}

async function tlsOf(
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
    case 'mtls': {
      const { mtlsAuthenticator } = await import('../identity/mtls.ts');
      return mtlsAuthenticator({ names: flags.clientName ?? [] });
    }
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
