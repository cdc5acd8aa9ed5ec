import { type Address, defaultAddress, formatAddress, isLoopback } from '../address.ts';
import type { AuthKind } from '../identity/principal.ts';
import { type ListenSpec, type PassedPlace, plainListener } from './listen-spec.ts';
import { asksForAudit } from './serve-audit-options.ts';
import type { ServeFlags } from './serve-flags.ts';
import { checkMetrics } from './serve-metrics-options.ts';
import { checkReadiness } from './serve-readiness-options.ts';
import { hasTls, tlsFilesOf } from './tls-options.ts';
import { UsageError } from './usage-error.ts';

/* What flags have to be to one another, wherever they come from. */

/** Each throws a {@link UsageError}. What was asked for first is told first. */
const RULES: readonly ((flags: ServeFlags) => void)[] = [
  checkDetachedTtl,
  checkReadiness,
  tlsFilesOf,
  checkTlsListener,
  checkTokenFile,
  checkJwt,
  asksForAudit,
  checkMetrics,
];

/** All that is wrong about flags together. */
export function crossFlagProblems(flags: ServeFlags): readonly UsageError[] {
  const rules = [
    ...listenSpecsOf(flags).map((spec) => () => isPlaced(spec) && authOf(spec, flags)),
    ...RULES.map((rule) => () => rule(flags)),
  ];
  return rules.flatMap((rule) => {
    try {
      rule();
      return [];
    } catch (error) {
      if (error instanceof UsageError) return [error];
      throw error;
    }
  });
}

/**
 * Looks whether flags fit together.
 *
 * @throws UsageError for the first that does not
 */
export function checkFlags(flags: ServeFlags): void {
  const [first] = crossFlagProblems(flags);
  if (first !== undefined) throw first;
}

/** Where these flags have a server listen. */
export function listenSpecsOf<Place>({
  listen,
}: {
  readonly listen?: readonly ListenSpec<Place>[] | undefined;
}): readonly ListenSpec<Place | Address>[] {
  return listen ?? [plainListener(defaultAddress(process.env))];
}

/** Whether it is known what address a listener has: it is not for systemd to say. */
function isPlaced(spec: ListenSpec<Address | PassedPlace>): spec is ListenSpec {
  return spec.address.kind !== 'systemd';
}

/**
 * How a listener finds out who calls. TCP is never open by accident: it has to be said who is let in.
 *
 * @throws UsageError if it cannot, or must not
 */
export function authOf(spec: ListenSpec, flags: ServeFlags): readonly AuthKind[] {
  if (spec.healthOnly) return [];
  const kinds = spec.auth ?? flags.auth;
  const where = formatAddress(spec.address);
  if (spec.address.kind === 'unix') {
    if (kinds?.includes('mtls') !== true) return kinds ?? ['peer'];
    throw new UsageError(`--auth mtls on ${where}: Unix sockets have no TLS`);
  }
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

/** Whether some listener finds out who calls in a way. */
export function usesAuth(flags: ServeFlags, kind: AuthKind): boolean {
  return listenSpecsOf(flags).some(
    ({ auth = flags.auth, healthOnly }) => !healthOnly && auth?.includes(kind) === true,
  );
}

function checkTlsListener(flags: ServeFlags): void {
  if (flags.tlsCert === undefined || listenSpecsOf(flags).some((spec) => hasTls(spec, flags))) {
    return;
  }
  throw new UsageError('--tls-cert needs a --listen over TCP that has TLS');
}

function checkTokenFile(flags: ServeFlags): void {
  const isUsed = usesAuth(flags, 'token');
  if (flags.tokenFile !== undefined && !isUsed) {
    throw new UsageError('--token-file is of no use without --auth token');
  }
  if (isUsed) tokenFileOf(flags);
}

/**
 * The token file of a server that lets in by tokens.
 *
 * @throws UsageError where none is named
 */
export function tokenFileOf({ tokenFile }: ServeFlags): string {
  if (tokenFile === undefined) throw new UsageError('--auth token needs --token-file');
  return tokenFile;
}

function checkJwt(flags: ServeFlags): void {
  if (usesAuth(flags, 'jwt')) jwtSourceOf(flags);
}

/**
 * Whose JWTs a server lets in by, and where the keys of them are.
 *
 * @throws UsageError where that is not said
 */
export function jwtSourceOf({ jwks, jwtAudience: audiences, jwtIssuer: issuer }: ServeFlags) {
  if (jwks === undefined || issuer === undefined || audiences === undefined) {
    throw new UsageError('--auth jwt needs --jwks, --jwt-issuer and --jwt-audience');
  }
  return { jwks, audiences, issuer };
}

/** The default lies in the range that clients may ask for. */
function checkDetachedTtl({ detachedTtl, maxDetachedTtl, minDetachedTtl }: ServeFlags): void {
  if (minDetachedTtl <= detachedTtl && detachedTtl <= maxDetachedTtl) return;
  throw new UsageError('--detached-ttl must lie between --min-detached-ttl and --max-detached-ttl');
}
