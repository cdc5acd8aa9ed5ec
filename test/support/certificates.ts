import { generate } from 'selfsigned';

/** A private key and its certificate, as PEM. */
export interface Identity {
  readonly key: Buffer;
  readonly certificate: Buffer;
}

/** An authority that certificates can be made with, and trusted for. */
export async function makeAuthority(name: string): Promise<Identity> {
  return make(name, {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
}

/** A certificate for 127.0.0.1 that an authority has signed. */
export async function certify(name: string, { key, certificate }: Identity): Promise<Identity> {
  return make(name, {
    ca: { key: key.toString(), cert: certificate.toString() },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
}

async function make(
  name: string,
  options: NonNullable<Parameters<typeof generate>[1]>,
): Promise<Identity> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ...options,
  });
  return { key: Buffer.from(made.private), certificate: Buffer.from(made.cert) };
}
