import { stat } from 'node:fs/promises';
import { type Address, parseAddress } from '../address.ts';
import type { TlsOptions } from '../client/index.ts';
import { connectTo, firstWords } from './first-words.ts';
import { lookAtTls } from './look-at-tls.ts';

/** Why no server answers at an address. */
export interface Unreachable {
  /** Without a full stop. */
  readonly why: string;
  /** Whether nobody is there, so that a server could be started. */
  readonly isFree: boolean;
}

/** The type of a record of TLS that refuses, in its first byte: RFC 8446, section 5.1. */
const ALERT = 21;

/** The type of a frame, in its fourth byte, of which the first that a server sends is. */
const SETTINGS = 4;

/**
 * Looks once more, for what a client of gRPC does not tell. Never rejects. `tls`: how TLS was
 * spoken; undefined: it was not.
 */
export async function whyUnreachable(text: string, tls?: TlsOptions): Promise<Unreachable> {
  const address = parseAddress(text);
  try {
    const why = await (tls === undefined ? whyNotPlain(address) : whyNotSecure(address, tls));
    return { why, isFree: false };
  } catch (error) {
    if (address.kind === 'unix' && (await isNoSocket(address.path))) {
      return { why: 'it is no socket', isFree: false };
    }
    return describeConnectError(error as NodeJS.ErrnoException, address);
  }
}

/** Rejects if nobody listens. */
async function whyNotPlain(address: Address): Promise<string> {
  const said = await firstWordsAt(address);
  if (said[0] === ALERT) return OF_TLS;
  const isTls = said.byteLength === 0 && (await lookAtTls(address)).kind !== 'none';
  return isTls ? OF_TLS : whoSays(said);
}

/** Rejects if nobody listens. */
async function whyNotSecure(address: Address, tls: TlsOptions): Promise<string> {
  const found = await lookAtTls(address, tls);
  if (found.kind === 'refused') return found.why;
  if (found.kind === 'spoken') return whoSays(found.said);
  const said = await firstWordsAt(address);
  if (said[3] === SETTINGS) return 'a server without TLS is there, and TLS was asked for';
  return said.byteLength === 0 || said[0] === ALERT
    ? 'TLS cannot be spoken with whoever listens there'
    : whoSays(said);
}

/** What comes first from whoever listens, without TLS. Rejects if nobody does. */
async function firstWordsAt(address: Address): Promise<Buffer> {
  const socket = connectTo(address);
  try {
    return (await firstWords(socket, 'connect')).said;
  } finally {
    socket.destroy();
  }
}

const OF_TLS = 'a server of TLS is there, and none without it: use --tls';

function whoSays(said: Buffer): string {
  if (said.toString('latin1', 0, 5) === 'HTTP/') {
    return 'a server of HTTP/1 is there, and none of gRPC';
  }
  if (said[3] === SETTINGS) return 'a server of HTTP/2 is there, which gave no answer';
  return said.byteLength === 0
    ? 'somebody listens there, but says nothing that a gRPC server would'
    : 'what is there is no gRPC server';
}

/** Whether there is something else at a path. */
async function isNoSocket(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && !found.isSocket();
}

/** What the error of a connect(2) means. */
export function describeConnectError(error: NodeJS.ErrnoException, address: Address): Unreachable {
  // Of a name with several addresses, that of the first.
  const { code, message } = error instanceof AggregateError ? error.errors[0] : error;
  const where = address.kind === 'unix' ? `the socket ${address.path}` : `host ${address.host}`;
  switch (code) {
    case 'ENOENT':
      return { why: 'there is no such socket', isFree: true };
    case 'ECONNREFUSED':
      return { why: 'the connection is refused: nobody listens there', isFree: true };
    case 'EACCES':
      return { why: `no permission to connect to ${where}`, isFree: false };
    case 'ENOTDIR':
      return { why: 'a part of its path is no folder', isFree: false };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { why: `the name of ${where} is unknown`, isFree: false };
    default:
      return { why: message, isFree: false };
  }
}
