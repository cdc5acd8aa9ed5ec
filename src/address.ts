import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a server listens or a client connects. */
export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/**
 * Reads `unix:PATH` or `HOST:PORT`; an IPv6 host is in brackets, as in a URL.
 *
 * @throws Error that says what is wrong with it
 */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path === '') throw new Error(`address ${text}: the path is missing`);
    return { kind: 'unix', path };
  }
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text);
  const host = match?.groups?.['v6'] ?? match?.groups?.['host'];
  const port = Number(match?.groups?.['port']);
  if (host === undefined || !(port <= 65_535)) {
    throw new Error(`address ${text}: expected unix:PATH or HOST:PORT`);
  }
  return { kind: 'tcp', host, port };
}

/** The text that {@link parseAddress} reads. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach an address. A name counts only if it is `localhost`. */
export function isLoopback(address: Address): boolean {
  if (address.kind === 'unix') return true;
  const { host } = address;
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Where a server listens if nothing is said: a socket in the user's runtime folder. */
export function defaultAddress(env: NodeJS.ProcessEnv): Address & { kind: 'unix' } {
  const runtime = env['XDG_RUNTIME_DIR'];
  const folder =
    runtime === undefined || runtime === ''
      ? join(tmpdir(), `runlet-${process.getuid?.() ?? 0}`)
      : join(runtime, 'runlet');
  return { kind: 'unix', path: join(folder, 'runlet.sock') };
}
