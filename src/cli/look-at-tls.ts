import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Address } from '../address.ts';
import type { TlsOptions } from '../client/index.ts';
import { ANSWER_MS, connectTo, type FirstWords, firstWords } from './first-words.ts';
import { printable } from './human-text.ts';

/** What comes of TLS with whoever listens. */
export type TlsLook =
  /** It is not spoken there. */
  | { readonly kind: 'none' }
  /** One side or the other does not want it. `why`: without a full stop. */
  | { readonly kind: 'refused'; readonly why: string }
  /** It was spoken, and this is what came then. */
  | { readonly kind: 'spoken'; readonly said: Buffer };

/** Characters of the names of a certificate that are shown. */
const NAMES_LENGTH = 200;

/**
 * Begins TLS with whoever listens. Nothing is told that is a secret, so it may be anybody. Rejects
 * if nobody listens.
 */
export async function lookAtTls(address: Address, tls: TlsOptions = {}): Promise<TlsLook> {
  const raw = connectTo(address);
  try {
    await once(raw, 'connect', { signal: AbortSignal.timeout(ANSWER_MS) });
    const name = tls.serverName ?? (address.kind === 'unix' ? 'localhost' : address.host);
    const socket = connectTls({
      socket: raw,
      host: name,
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ALPNProtocols: ['h2'],
      // What is wrong with the certificate is looked at here.
      rejectUnauthorized: false,
      ...pemOf(tls),
    });
    try {
      const words = await firstWords(socket, 'secureConnect');
      return outcome(socket, name, tls, words);
    } catch (error) {
      const why = alertWords(error as NodeJS.ErrnoException, tls);
      return why === undefined ? { kind: 'none' } : { kind: 'refused', why };
    } finally {
      socket.destroy();
    }
  } finally {
    raw.destroy();
  }
}

function pemOf({ ca, cert, key }: TlsOptions): Record<string, Buffer> {
  const given = Object.entries({ ca, cert, key }).flatMap(([name, pem]) =>
    pem === undefined ? [] : [[name, Buffer.from(pem)] as const],
  );
  return Object.fromEntries(given);
}

function outcome(
  socket: TLSSocket,
  name: string,
  tls: TlsOptions,
  { ended, error, said }: FirstWords,
): TlsLook {
  if (!socket.authorized) return { kind: 'refused', why: distrustWords(socket, name) };
  if (said.byteLength > 0 || !ended) return { kind: 'spoken', said };
  const why = (error && alertWords(error, tls)) ?? endWords(tls);
  return { kind: 'refused', why };
}

/** Why its certificate is not trusted. */
function distrustWords(socket: TLSSocket, name: string): string {
  // It is the code of an error, whatever its type says.
  const code = String(socket.authorizationError);
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired';
    case 'CERT_NOT_YET_VALID':
      return 'its certificate is not valid yet';
    case 'ERR_TLS_CERT_ALTNAME_INVALID': {
      const names = printable(socket.getPeerCertificate().subjectaltname ?? 'no name');
      const shown = names.slice(0, NAMES_LENGTH);
      return `its certificate is for ${shown}, and not for ${name}: --server-name names another`;
    }
    default:
      return `its certificate is not trusted (${code}): --ca names whom to trust`;
  }
}

/** What a server said when it refused: RFC 8446, section 6; undefined: it did not. */
function alertWords({ code = '' }: NodeJS.ErrnoException, tls: TlsOptions): string | undefined {
  if (!code.startsWith('ERR_SSL_') || !code.includes('ALERT')) return undefined;
  if (code.includes('CERTIFICATE_REQUIRED')) return endWords(tls);
  return tls.cert !== undefined && /CERT|UNKNOWN_CA/.test(code)
    ? `it refuses the certificate of --cert (${code})`
    : `it refuses to speak TLS with this client (${code})`;
}

function endWords({ cert }: TlsOptions): string {
  return cert === undefined
    ? 'it ended the connection: it may want a certificate, which --cert gives it'
    : 'it ended the connection: it may not accept the certificate of --cert';
}
