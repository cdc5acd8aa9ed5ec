/** A host, without brackets, and the digits of a port where there is one. */
export interface HostAndPort {
  readonly host: string;
  readonly port: string | undefined;
}

/**
 * Parts `HOST[:PORT]`. Brackets can be around any host; without them one with more than a colon
 * is an IPv6 address that has no port.
 *
 * @throws Error that says what is wrong with it
 */
export function splitPort(text: string): HostAndPort {
  if (text.includes('://')) throw new Error('it is a URL; write its host alone, or HOST:PORT');
  if (text.startsWith('[')) {
    const found = /^\[(?<host>[^[\]]+)\](?::(?<port>.*))?$/s.exec(text)?.groups;
    if (found === undefined) throw new Error('brackets are written as [ADDRESS] or [ADDRESS]:PORT');
    return { host: found['host'] ?? '', port: found['port'] };
  }
  const colon = text.indexOf(':');
  if (colon < 0 || colon !== text.lastIndexOf(':')) return { host: text, port: undefined };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

/**
 * Reads a port, 1 to 65535.
 *
 * @throws Error where it is none
 */
export function parsePort(digits: string): number {
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535) throw new Error('the port must be a number from 1 to 65535');
  return port;
}
