import { type AltName, parseAltNames } from './alt-names.ts';

/** What of a certificate names whom it is of. */
export interface NamedCertificate {
  /** As `X509Certificate` has it. */
  readonly subjectAltName?: string | undefined;
  /** Whether it may sign others. */
  readonly ca: boolean;
}

/**
 * A SPIFFE ID: a trust domain, and a path without empty or dot segments. Nothing else of a URI
 * may be there: https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md#2-spiffe-identity
 */
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/;

/** Bytes of one at most, by the same document. */
const MAX_SPIFFE_ID_BYTES = 2048;

/** A host's name in ASCII. A wildcard names many hosts, and so nobody. */
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*$/;

/**
 * The names that a client's certificate has: its SPIFFE ID alone, or its DNS names, in lower case
 * and in the order of the certificate. The common name of its subject is none: RFC 9525 does
 * without it.
 *
 * @throws Error that says why it names nobody; by the rules of SPIFFE, a certificate with a SPIFFE
 *   ID has exactly one URI, and signs no others
 */
export function certificateNames(certificate: NamedCertificate): readonly string[] {
  const names = parseAltNames(certificate.subjectAltName);
  const uris = valuesOf(names, 'URI');
  if (uris.some((uri) => /^spiffe:/i.test(uri))) {
    const [id = ''] = uris;
    if (uris.length > 1) throw new Error('the certificate has a SPIFFE ID and another URI');
    if (certificate.ca) throw new Error('the certificate has a SPIFFE ID and is of an authority');
    if (id.length > MAX_SPIFFE_ID_BYTES || !SPIFFE_ID.test(id)) {
      throw new Error('the SPIFFE ID of the certificate is not a valid one');
    }
    return [id];
  }
  const hosts = valuesOf(names, 'DNS').map((host) => host.toLowerCase());
  const usable = hosts.filter((host) => DNS_NAME.test(host));
  if (usable.length === 0)
    throw new Error('the certificate has neither a SPIFFE ID nor a DNS name');
  return usable;
}

function valuesOf(names: readonly AltName[], type: string): readonly string[] {
  return names.filter((name) => name.type === type).map(({ value }) => value);
}
