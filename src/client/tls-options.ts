import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { checkOptions, type OptionCheck, type OptionChecks } from './check-options.ts';
import { OptionError } from './client-error.ts';

/** Certificates or a key, in the format PEM: RFC 7468. */
export type Pem = string | Uint8Array;

/** How a client speaks TLS. Every field may be left out. */
export interface TlsOptions {
  /** The authorities whose certificates are trusted. Default: those that Node.js trusts. */
  readonly ca?: Pem | undefined;
  /** The certificate of this client, and those between it and its authority. Default: none. */
  readonly cert?: Pem | undefined;
  /** Its private key, not encrypted. Needed with `cert`, and of no use without. */
  readonly key?: Pem | undefined;
  /** The name that the certificate of the server has to be for. Default: the host of its address. */
  readonly serverName?: string | undefined;
}

/** A name of a host, or an IP address: with nothing that a header could not have. */
const NAME = /^[\w.:-]{1,253}$/;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;

/** Nothing of it is told: it may be a key. */
const isPem: OptionCheck = (value) =>
  typeof value === 'string' || value instanceof Uint8Array ? undefined : 'PEM, a string or bytes';

const TLS_CHECKS: OptionChecks<TlsOptions> = {
  ca: isPem,
  cert: isPem,
  key: isPem,
  serverName: (value) =>
    typeof value === 'string' && NAME.test(value) ? undefined : 'the name of a host',
};

/**
 * The credentials of grpc-js for what is asked for.
 *
 * @throws OptionError it makes no sense; nothing of a key is told
 */
export function tlsCredentials(tls: TlsOptions): ChannelCredentials {
  checkOptions('tls', tls, TLS_CHECKS, 'tls.');
  const { ca, cert, key } = tls;
  if (ca !== undefined) certificatesOf('tls.ca', ca);
  if (cert !== undefined && key === undefined) throw lacking('tls.cert', 'tls.key');
  if (key !== undefined && cert === undefined) throw lacking('tls.key', 'tls.cert');
  if (key !== undefined && cert !== undefined) assertPair(cert, key);
  const bytes = (pem: Pem | undefined): Buffer | null =>
    pem === undefined ? null : Buffer.from(pem);
  try {
    return credentials.createSsl(bytes(ca), bytes(key), bytes(cert));
  } catch (error) {
    // OpenSSL has rules of its own: keys may be too small for its level of security.
    throw new OptionError('tls', `tls cannot be spoken with that: ${codeOf(error)}`);
  }
}

function lacking(one: string, other: string): OptionError {
  return new OptionError(one, `${one} needs ${other}`);
}

/** The certificates of a text, of which it has to have one. */
function certificatesOf(option: string, pem: Pem): readonly X509Certificate[] {
  const found = Buffer.from(pem).toString('latin1').match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new OptionError(option, `${option} has no certificate in PEM`);
  return found.map((text, i) => {
    try {
      return new X509Certificate(text);
    } catch {
      const which = found.length === 1 ? 'a certificate' : `certificate ${i + 1}`;
      throw new OptionError(option, `${option} has ${which} that cannot be read`);
    }
  });
}

function assertPair(cert: Pem, key: Pem): void {
  const [own] = certificatesOf('tls.cert', cert);
  let secret: ReturnType<typeof createPrivateKey>;
  try {
    secret = createPrivateKey(Buffer.from(key));
  } catch {
    throw new OptionError('tls.key', 'tls.key has no private key in PEM, or an encrypted one');
  }
  if (own?.checkPrivateKey(secret) === true) return;
  throw new OptionError('tls.key', 'tls.key is not the key of tls.cert');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'OpenSSL refuses it';
}
