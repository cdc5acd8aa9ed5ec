import type { Target } from './forward-spec.ts';

/*
 * What a client of a SOCKS proxy says: version 5 (RFC 1928) without authentication, and versions
 * 4 and 4a. Each is read from the bytes that have come so far.
 */

/** Bytes of the longest thing that is said: version 4a, with a user and a name of 255 bytes. */
export const MAX_SOCKS_BYTES = 8 + 256 + 256;

/** A part of what is said was read. */
export type SocksParsed<T> =
  /** More has to come. */
  | { readonly kind: 'more' }
  /** It took so many bytes. */
  | { readonly kind: 'done'; readonly value: T; readonly bytes: number }
  /** It cannot be done; `answer`: what says so. */
  | { readonly kind: 'refused'; readonly answer: Buffer };

const MORE = { kind: 'more' } as const;
const NOTHING = Buffer.alloc(0);

/** What answers of version 5 tell: RFC 1928, section 6. */
export const SOCKS5_REPLY = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  ttlExpired: 6,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;

const CONNECT = 1;
const NO_AUTHENTICATION = 0;
/** RFC 1928, section 3: none of the methods is acceptable. */
const NO_METHOD = 0xff;

/** Which version is spoken. */
export function socksVersion(bytes: Buffer): SocksParsed<4 | 5> {
  const version = bytes[0];
  if (version === undefined) return MORE;
  // Another protocol: nothing that is answered would be understood.
  if (version !== 4 && version !== 5) return { kind: 'refused', answer: NOTHING };
  return { kind: 'done', value: version, bytes: 0 };
}

/** The methods of authentication that a client of version 5 has; the value is the answer. */
export function socks5Greeting(bytes: Buffer): SocksParsed<Buffer> {
  const count = bytes[1];
  if (count === undefined || bytes.length < 2 + count) return MORE;
  const methods = bytes.subarray(2, 2 + count);
  if (!methods.includes(NO_AUTHENTICATION)) {
    return { kind: 'refused', answer: Buffer.from([5, NO_METHOD]) };
  }
  return { kind: 'done', value: Buffer.from([5, NO_AUTHENTICATION]), bytes: 2 + count };
}

/** Where a client of version 5 wants to be connected to. */
export function socks5Request(bytes: Buffer): SocksParsed<Target> {
  if (bytes.length < 5) return MORE;
  const [version, command, reserved, type, first = 0] = bytes;
  if (version !== 5 || reserved !== 0) return refused5(SOCKS5_REPLY.failure);
  if (command !== CONNECT) return refused5(SOCKS5_REPLY.commandNotSupported);
  const begin = type === 3 ? 5 : 4;
  const length = type === 1 ? 4 : type === 3 ? first : type === 4 ? 16 : undefined;
  if (length === undefined) return refused5(SOCKS5_REPLY.addressTypeNotSupported);
  const end = begin + length + 2;
  if (bytes.length < end) return MORE;
  const address = bytes.subarray(begin, begin + length);
  const host = type === 3 ? nameText(address) : addressText(address);
  const port = bytes.readUInt16BE(begin + length);
  if (host === undefined || port === 0) return refused5(SOCKS5_REPLY.failure);
  return { kind: 'done', value: { kind: 'host', host, port }, bytes: end };
}

/** Where a client of version 4 or 4a wants to be connected to. */
export function socks4Request(bytes: Buffer): SocksParsed<Target> {
  if (bytes.length < 9) return MORE;
  if (bytes[1] !== CONNECT) return { kind: 'refused', answer: socks4Answer(false) };
  const address = bytes.subarray(4, 8);
  const port = bytes.readUInt16BE(2);
  const userEnd = bytes.indexOf(0, 8);
  if (userEnd === -1) return bytes.length > 8 + 255 ? refused4() : MORE;
  // 0.0.0.x stands for a name that follows.
  const isNamed = address.readUInt32BE() > 0 && address.readUInt32BE() <= 0xff;
  const nameEnd = isNamed ? bytes.indexOf(0, userEnd + 1) : userEnd;
  if (nameEnd === -1) return bytes.length > userEnd + 1 + 255 ? refused4() : MORE;
  const host = isNamed ? nameText(bytes.subarray(userEnd + 1, nameEnd)) : addressText(address);
  if (host === undefined || port === 0) return refused4();
  return { kind: 'done', value: { kind: 'host', host, port }, bytes: nameEnd + 1 };
}

/** An answer of version 5. Where the proxy is connected from is nobody's concern. */
export function socks5Answer(reply: number): Buffer {
  return Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
}

/** An answer of version 4: granted, or rejected. */
export function socks4Answer(granted: boolean): Buffer {
  return Buffer.from([0, granted ? 90 : 91, 0, 0, 0, 0, 0, 0]);
}

function refused5(reply: number): SocksParsed<Target> {
  return { kind: 'refused', answer: socks5Answer(reply) };
}

function refused4(): SocksParsed<Target> {
  return { kind: 'refused', answer: socks4Answer(false) };
}

/** Undefined: it is no name. */
function nameText(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1');
  return /^[!-~]+$/.test(text) ? text : undefined;
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return groups.join(':');
}
