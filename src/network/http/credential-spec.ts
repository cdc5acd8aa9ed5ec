import { isIP } from 'node:net';
import { parsePort, splitPort } from '../egress/host-and-port.ts';
import { canonicalHost } from '../host-name.ts';

/** Where a credential may be sent. */
export interface CredentialBinding {
  /** As a URL of the WHATWG has it; an IPv6 address is without brackets. */
  readonly host: string;
  /** Whether it is for all names below `host`, and not for that itself. */
  readonly isWildcard: boolean;
  /** 1 to 65535. */
  readonly port: number;
}

/** A credential that the operator has configured. */
export interface CredentialSpec {
  /** What requests call it. */
  readonly name: string;
  readonly binding: CredentialBinding;
  /** The name of the header, in lower case. */
  readonly header: string;
  /** The file that has the header's value. */
  readonly file: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** Those that say where a request goes, and how it is framed. */
const NOT_ITS = new Set([
  'host',
  'content-length',
  'content-encoding',
  'connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'expect',
  'range',
]);

/**
 * Reads `NAME=HOST[:PORT],HEADER,FILE`, where `HOST` may be `*.` and a name.
 *
 * @throws Error that says what is wrong with it
 */
export function parseCredentialSpec(text: string): CredentialSpec {
  const parts = /^(?<name>[^=]*)=(?<host>[^,]*),(?<header>[^,]*),(?<file>.+)$/s.exec(text)?.groups;
  if (parts === undefined) throw new Error('it is written as NAME=HOST[:PORT],HEADER,FILE');
  const { file = '', header = '', host = '', name = '' } = parts;
  if (!NAME.test(name)) {
    throw new Error('its name has letters, digits, dots, dashes and underscores, 64 at most');
  }
  const lower = header.toLowerCase();
  if (!TOKEN.test(lower)) throw new Error('the name of its header is no token');
  if (NOT_ITS.has(lower)) throw new Error(`its header cannot be ${lower}`);
  return { name, binding: parseBinding(host), header: lower, file };
}

function parseBinding(text: string): CredentialBinding {
  const { host, port } = splitPort(text);
  const isWildcard = host.startsWith('*.');
  const rest = isWildcard ? host.slice(2) : host;
  const name = rest.endsWith('.') ? undefined : canonicalHost(rest);
  if (name === undefined) throw new Error('its host must be a name, an address, or *. and a name');
  if (isWildcard && (isIP(name) !== 0 || !name.includes('.'))) {
    throw new Error('what follows *. must be a name of two labels or more');
  }
  // As URLs spell it.
  const url = new URL(name.includes(':') ? `https://[${name}]` : `https://${name}`);
  const spelled = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host: spelled, isWildcard, port: port === undefined ? 443 : parsePort(port) };
}

/**
 * Whether a credential may be sent with a request to a URL: over TLS, to that port of that very
 * host. A name with a trailing dot is another one, which the certificate is not looked at for.
 */
export function isBoundTo({ host, isWildcard, port }: CredentialBinding, url: URL): boolean {
  if (url.protocol !== 'https:') return false;
  if (Number(url.port === '' ? 443 : url.port) !== port) return false;
  const asked = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!isWildcard) return asked === host;
  return isIP(asked) === 0 && asked.endsWith(`.${host}`) && !asked.startsWith('.');
}
