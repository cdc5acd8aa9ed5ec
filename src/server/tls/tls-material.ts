import {
  constants,
  createHash,
  createPrivateKey,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsFiles, TlsRead } from './tls-files.ts';

/** What handshakes are made with. Never changed once it is made. */
export interface TlsMaterial {
  /** Of `tls.createServer`, which takes no context that is made. They have been tried. */
  readonly options: SecureContextOptions;
  /** The server's own. */
  readonly certificate: X509Certificate;
  /** Digests of the authorities that sign for clients. Empty: clients are asked for nothing. */
  readonly authorities: ReadonlySet<string>;
  /** Digest of the lists of what they have revoked. */
  readonly revoked: string;
  /** What an operator should know of it. */
  readonly warnings: readonly string[];
}

/**
 * The suites of HTTP/2 in TLS 1.2, those of RFC 9113 that are not on its list of prohibited ones:
 * ephemeral keys, and encryption that authenticates. Every client of gRPC has them.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE+AESGCM',
  'ECDHE+CHACHA20',
].join(':');

/**
 * No renegotiation, which HTTP/2 prohibits (RFC 9113, section 9.2.1), and no resumption: a session
 * that is resumed skips the client's certificate, which may have been revoked since. A connection of
 * gRPC lives long, so that a whole handshake for each costs little.
 */
const SECURE_OPTIONS = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET;

const PEM = /-----BEGIN (?<label>[A-Z0-9 ]+)-----[^-]*-----END \k<label>-----/g;

/**
 * Makes of files what handshakes are made with.
 *
 * @throws Error that names the file, and says what is wrong with it, without anything of the key
 */
export function tlsMaterial(files: TlsFiles, { texts, warnings }: TlsRead): TlsMaterial {
  const chain = certificatesIn(files.cert, texts.cert);
  const [certificate] = chain;
  if (certificate === undefined) throw new Error(`${files.cert}: it has no certificate`);
  const key = privateKeyIn(files.key, texts.key);
  if (!certificate.checkPrivateKey(key)) {
    throw new Error(`${files.key}: it is not the key of the certificate in ${files.cert}`);
  }
  const authorities = authoritiesIn(files.clientCa, texts.clientCa);
  const lists = listsIn(files.clientCrl, texts.clientCrl);
  const options: SecureContextOptions = {
    cert: texts.cert,
    key: texts.key,
    // An empty list: those that Node.js brings along would be loaded otherwise, and trusted.
    ca: authorities.map(String),
    ...(lists.length === 0 ? {} : { crl: [...lists] }),
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    secureOptions: SECURE_OPTIONS,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    // OpenSSL refuses some that can be read: keys that are too short, for one.
    throw new Error(`the certificates cannot be used: ${(error as Error).message}`);
  }
  return {
    options,
    certificate,
    authorities: new Set(authorities.map(({ fingerprint256 }) => fingerprint256)),
    revoked: digestOf(lists),
    warnings: [...warnings, ...chainWarnings(files.cert, chain)],
  };
}

/**
 * Whether a client's certificate that was taken may not be taken any more: an authority is gone, or
 * what they have revoked is something else.
 */
export function trustsLess(now: TlsMaterial, before: TlsMaterial): boolean {
  if (now.revoked !== before.revoked) return true;
  return [...before.authorities].some((authority) => !now.authorities.has(authority));
}

/** When a certificate is over, in milliseconds since 1970. */
export function endOf({ validTo }: X509Certificate): number {
  return Date.parse(validTo);
}

function privateKeyIn(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    // What OpenSSL says may be of the key.
    throw new Error(`${path}: it has no private key that can be read without a password`);
  }
}

function authoritiesIn(path: string | undefined, text = ''): readonly X509Certificate[] {
  if (path === undefined) return [];
  const found = certificatesIn(path, text);
  if (found.length === 0) throw new Error(`${path}: it has no certificate`);
  return found;
}

function certificatesIn(path: string, text: string): readonly X509Certificate[] {
  return blocksIn(text, 'CERTIFICATE').map((block) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new Error(`${path}: it has a certificate that cannot be read`);
    }
  });
}

/** One by one: Node.js takes the first of a text alone. */
function listsIn(path: string | undefined, text = ''): readonly string[] {
  if (path === undefined) return [];
  const blocks = blocksIn(text, 'X509 CRL');
  if (blocks.length === 0) throw new Error(`${path}: it has no list of revoked certificates`);
  return blocks;
}

function blocksIn(text: string, label: string): readonly string[] {
  return [...text.matchAll(PEM)]
    .filter(({ groups }) => groups?.['label'] === label)
    .map(([block]) => block);
}

function chainWarnings(path: string, chain: readonly X509Certificate[]): readonly string[] {
  const warnings: string[] = [];
  const broken = chain.findIndex((each, i) => {
    const next = chain[i + 1];
    return next !== undefined && !each.checkIssued(next);
  });
  if (broken !== -1) {
    warnings.push(`${path}: certificate ${broken + 2} has not issued the one before it`);
  }
  const [own] = chain;
  if (own !== undefined && Date.parse(own.validFrom) > Date.now()) {
    warnings.push(`${path}: the certificate is not valid before ${own.validFrom}`);
  }
  return warnings;
}

function digestOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}:${text}`);
  return hash.digest('base64');
}
