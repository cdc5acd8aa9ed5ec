import { X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import { X509CrlGenerator } from '@peculiar/x509';
import { generate } from 'selfsigned';

/** A private key and its certificate, as PEM. */
export interface Identity {
  readonly key: Buffer;
  readonly certificate: Buffer;
}

/** What a certificate says beside the name of its subject. */
export interface Certified {
  /** Default: none. */
  readonly uris?: readonly string[];
  /** Default: none. */
  readonly hosts?: readonly string[];
  /** Default: 127.0.0.1. */
  readonly ips?: readonly string[];
  /** When it is over. Default: in a year. */
  readonly notAfter?: Date;
  /** Default: as long before its end as it takes to be valid now. */
  readonly notBefore?: Date;
  /** Whether it may sign others. Default: false. */
  readonly isAuthority?: boolean;
}

type Options = NonNullable<Parameters<typeof generate>[1]>;
type AltNames = Extract<
  NonNullable<Options['extensions']>[number],
  { name: 'subjectAltName' }
>['altNames'];

const AUTHORITY_EXTENSIONS: NonNullable<Options['extensions']> = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', digitalSignature: true, keyCertSign: true, cRLSign: true, critical: true },
];

/** An authority that certificates can be made with, and trusted for. */
export async function makeAuthority(name: string): Promise<Identity> {
  return make(name, { extensions: AUTHORITY_EXTENSIONS });
}

/** A certificate that an authority has signed, for 127.0.0.1 unless something else is said. */
export async function certify(
  name: string,
  { key, certificate }: Identity,
  { hosts = [], ips, isAuthority = false, notAfter, notBefore, uris = [] }: Certified = {},
): Promise<Identity> {
  const addresses = ips ?? (uris.length + hosts.length > 0 ? [] : ['127.0.0.1']);
  const altNames: AltNames = [
    ...uris.map((value) => ({ type: 6 as const, value })),
    ...hosts.map((value) => ({ type: 2 as const, value })),
    ...addresses.map((ip) => ({ type: 7 as const, ip })),
  ];
  return make(name, {
    ca: { key: key.toString(), cert: certificate.toString() },
    extensions: isAuthority
      ? [...AUTHORITY_EXTENSIONS, { name: 'subjectAltName', altNames }]
      : [
          { name: 'basicConstraints', cA: false },
          { name: 'subjectAltName', altNames },
        ],
    ...(notBefore === undefined ? {} : { notBeforeDate: notBefore }),
    ...(notAfter === undefined ? {} : { notAfterDate: notAfter }),
  });
}

/** The list of what an authority has revoked, as PEM. */
export async function revoke(
  { certificate, key }: Identity,
  revoked: readonly Identity[],
): Promise<Buffer> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const der = Buffer.from(key.toString().replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
  const issuer = new NodeCertificate(certificate).subject.replaceAll('\n', ', ');
  const list = await X509CrlGenerator.create({
    issuer,
    nextUpdate: new Date(Date.now() + 86_400_000),
    entries: revoked.map((each) => ({
      serialNumber: new NodeCertificate(each.certificate).serialNumber,
    })),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    signingKey,
  });
  const lines =
    Buffer.from(list.rawData)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  // The label of RFC 7468, which the package does not write.
  const pem = ['-----BEGIN X509 CRL-----', ...lines, '-----END X509 CRL-----', ''];
  return Buffer.from(pem.join('\n'));
}

async function make(name: string, options: Options): Promise<Identity> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ...options,
  });
  return { key: Buffer.from(made.private), certificate: Buffer.from(made.cert) };
}
