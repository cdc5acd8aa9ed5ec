import { InvalidArgumentError } from 'commander';
import { MAX_SOCKET_PATH_BYTES } from '../limits.ts';

/** An address and a port to listen at. */
export interface PortPlace {
  readonly kind: 'port';
  readonly host: string;
  readonly port: number;
}

/** Where something listens: on loopback where no address is said. */
export type ListenPlace = PortPlace | { readonly kind: 'path'; readonly path: string };

/** Where a connection leads. */
export type Target =
  | { readonly kind: 'host'; readonly host: string; readonly port: number }
  | { readonly kind: 'path'; readonly path: string };

/** What is forwarded: connections that come to `listen`, and where to. */
export interface ForwardSpec<P extends ListenPlace = ListenPlace> {
  readonly listen: P;
  readonly target: Target;
}

const LOOPBACK = '127.0.0.1';

/** What is said of a path on this machine which the system would cut, and so take for another. */
export const LONG_PATH = `the path of a socket has ${MAX_SOCKET_PATH_BYTES} bytes at most`;

/** A name or an address, that of IPv6 in brackets. */
const HOST = String.raw`\[[0-9A-Fa-f:.%\w]+\]|[^:/[\]\s]+`;

/** `[[BIND:]PORT:]HOST:PORT`, or a path instead of `HOST:PORT`. */
const FROM_PORT = new RegExp(
  String.raw`^(?:(?:(?<bind>${HOST}):)?(?<local>\d+):)?(?:(?<host>${HOST}):(?<port>\d+)|(?<path>/.*))$`,
  's',
);

/** `/LOCAL:HOST:PORT` or `/LOCAL:/PATH`. */
const FROM_PATH = new RegExp(
  String.raw`^(?<local>/.+?):(?:(?<host>${HOST}):(?<port>\d+)|(?<path>/.*))$`,
  's',
);

/** `[BIND:]PORT` */
const PLACE = new RegExp(String.raw`^(?:(?<bind>${HOST}):)?(?<port>\d+)$`);

/** Reads `[LOCAL:]HOST:PORT` and `LOCAL:/PATH`, `LOCAL` being `[BIND:]PORT` or a path. */
export function forwardSpec(text: string): ForwardSpec {
  const parts = (text.startsWith('/') ? FROM_PATH : FROM_PORT).exec(text)?.groups;
  if (parts === undefined) {
    throw new InvalidArgumentError('expected [LOCAL:]HOST:PORT or LOCAL:/PATH');
  }
  const { bind, host, local, path, port } = parts;
  // What looks like two ports is one and a host to a resolver, which nobody means.
  if (host !== undefined && /^\d+$/.test(host)) {
    throw new InvalidArgumentError(`no host is named: is it ${host}:localhost:${port}?`);
  }
  const target: Target =
    path === undefined
      ? { kind: 'host', host: bare(host ?? ''), port: portNumber(port ?? '', 1) }
      : { kind: 'path', path };
  if (local?.startsWith('/')) {
    if (!isSocketPath(local)) throw new InvalidArgumentError(LONG_PATH);
    return { listen: { kind: 'path', path: local }, target };
  }
  return {
    listen: {
      kind: 'port',
      host: bare(bind ?? LOOPBACK),
      port: portNumber(local ?? port ?? '', 0),
    },
    target,
  };
}

/** Adds one to those that were given before. */
export function collectForward(
  text: string,
  earlier: readonly ForwardSpec[] = [],
): readonly ForwardSpec[] {
  return [...earlier, forwardSpec(text)];
}

/** Reads `[BIND:]PORT`. */
export function listenPlace(text: string): PortPlace {
  const parts = PLACE.exec(text)?.groups;
  if (parts === undefined) throw new InvalidArgumentError('expected [BIND:]PORT');
  return {
    kind: 'port',
    host: bare(parts['bind'] ?? LOOPBACK),
    port: portNumber(parts['port'] ?? '', 0),
  };
}

/** As it is written on a command line. */
export function placeText(place: ListenPlace | Target): string {
  if (place.kind === 'path') return place.path;
  const { host, port } = place;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether a socket of this machine can have a path. */
export function isSocketPath(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES;
}

function bare(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

function portNumber(text: string, least: number): number {
  const port = Number(text);
  if (port < least || port > 65_535) {
    throw new InvalidArgumentError(`${text} is no port from ${least} to 65535`);
  }
  return port;
}
