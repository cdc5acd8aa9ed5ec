import type { Command } from 'commander';
import type { Address } from '../address.ts';
import { type ClientNamePattern, clientNamePattern } from '../identity/mtls/client-name-pattern.ts';
import type { TlsFiles } from '../server/tls/tls-files.ts';
import { collected } from './arguments.ts';
import type { Example } from './examples.ts';
import type { ListenSpec, PassedPlace } from './listen-spec.ts';
import { UsageError } from './usage-error.ts';

/** The flags of `runlet serve` about TLS. */
export interface TlsFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
  readonly clientCrl?: string;
  readonly clientName?: readonly ClientNamePattern[];
}

/** Those flags, by what they are about. */
export const TLS_FLAGS: readonly string[] = ['--tls-cert', '--tls-key'];
export const CLIENT_FLAGS: readonly string[] = ['--client-ca', '--client-crl', '--client-name'];

/** Adds them to a command. */
export function addTlsOptions(command: Command): Command {
  return command
    .option(
      '--tls-cert <file>',
      'the certificate of the server, with those between it and its authority (default: TCP has no TLS)',
    )
    .option('--tls-key <file>', 'the private key of that (default: none)')
    .option(
      '--client-ca <file>',
      'authorities whose certificates --auth mtls takes from clients (default: none)',
    )
    .option('--client-crl <file>', 'what these have revoked (default: nothing)')
    .option(
      '--client-name <pattern>',
      'a SPIFFE ID or DNS name that --auth mtls lets in; may be given again (default: none)',
      collected(clientNamePattern, 'commas'),
    );
}

/** Examples that have all of them. */
export const TLS_EXAMPLES: readonly Example[] = [
  {
    command:
      'runlet serve --listen 127.0.0.1:0 --auth mtls --tls-cert "$FOLDER/tls.crt" --tls-key "$FOLDER/tls.key" --client-ca "$FOLDER/ca.crt" --client-crl "$FOLDER/ca.crl" --client-name \'spiffe://example.org/ci/*\'',
    does: 'Serve clients with a certificate of an authority, over TLS',
    code: null,
    prints: /^runlet listening on 127\.0\.0\.1:[1-9]\d*\n/,
  },
];

/**
 * The files that the flags name; undefined: there is no TLS.
 *
 * @throws UsageError if they do not fit together
 */
export function tlsFilesOf(flags: TlsFlags): TlsFiles | undefined {
  const { clientCa, clientCrl, clientName, tlsCert, tlsKey } = flags;
  if (clientCrl !== undefined && clientCa === undefined) {
    throw new UsageError('--client-crl needs --client-ca');
  }
  if (clientName !== undefined && clientCa === undefined) {
    throw new UsageError('--client-name needs --client-ca');
  }
  if (tlsCert === undefined && tlsKey === undefined) {
    if (clientCa !== undefined) throw new UsageError('--client-ca needs --tls-cert and --tls-key');
    return undefined;
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError('--tls-cert and --tls-key go together');
  }
  return { cert: tlsCert, key: tlsKey, clientCa, clientCrl };
}

/**
 * Whether a listener ends TLS where the server has a certificate, or may: what systemd passes can be
 * either. One for health alone does not: it
 * is for probes that speak none, Kubernetes' own among them, and tells nobody anything else.
 */
export function hasTls(
  { address, healthOnly, tls }: ListenSpec<Address | PassedPlace>,
  flags: TlsFlags,
): boolean {
  return flags.tlsCert !== undefined && address.kind !== 'unix' && tls && !healthOnly;
}
