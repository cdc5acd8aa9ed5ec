import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import type { ServerLog } from '../../src/server/server-log.ts';
import type { TlsFiles } from '../../src/server/tls/tls-files.ts';
import { openTls, type TlsSource, type TlsSourceOptions } from '../../src/server/tls/tls-source.ts';
import type { Identity } from './certificates.ts';
import { temporaryFolder } from './harness.ts';

/** The files of TLS in a folder of their own. */
export interface TlsFolder {
  readonly files: Readonly<Record<keyof TlsFiles, string>>;
  readonly folder: string;
  /** Puts files into their places one after another, each at once. */
  put(what: Partial<Readonly<Record<keyof TlsFiles, Buffer>>>): Promise<void>;
}

/** A folder with these files; one that is not named is not there. */
export async function tlsFolder(
  what: Partial<Readonly<Record<keyof TlsFiles, Buffer>>>,
): Promise<TlsFolder> {
  const folder = await temporaryFolder();
  const files = {
    cert: join(folder, 'tls.crt'),
    key: join(folder, 'tls.key'),
    clientCa: join(folder, 'ca.crt'),
    clientCrl: join(folder, 'ca.crl'),
  };
  const made: TlsFolder = {
    files,
    folder,
    async put(some) {
      for (const [name, bytes] of Object.entries(some)) {
        const path = files[name as keyof TlsFiles];
        await writeFile(`${path}.new`, bytes, { mode: 0o600 });
        await rename(`${path}.new`, path);
      }
    },
  };
  await made.put(what);
  return made;
}

/** A certificate and its key, under the names of the files. */
export function pairOf({ certificate, key }: Identity): Record<'cert' | 'key', Buffer> {
  return { cert: certificate, key };
}

/** A log, and what is in it so far. */
export interface KeptLog {
  readonly logger: ServerLog;
  readonly lines: readonly Record<string, unknown>[];
}

/** A log that keeps what it is told. */
export function keptLog(): KeptLog {
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { base: null, level: 'debug' },
    { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  return { logger, lines };
}

/** Opens the files, of which nothing is looked at any more when the test is over. */
export async function openedTls(
  options: Omit<TlsSourceOptions, 'logger'> & { readonly logger?: ServerLog },
): Promise<TlsSource> {
  const source = await openTls({ logger: keptLog().logger, ...options });
  onTestFinished(() => source.close());
  return source;
}

/** What a client of gRPC trusts, and shows of itself. */
export function trusting(
  { certificate }: Pick<Identity, 'certificate'>,
  client?: Identity,
): ChannelCredentials {
  return credentials.createSsl(certificate, client?.key, client?.certificate);
}

const tcpOf = (address: Address): { host: string; port: number } => {
  if (address.kind !== 'tcp') throw new Error('it is no address over TCP');
  return { host: address.host, port: address.port };
};

/** A handshake with a server, of which nothing is verified. The socket goes with the test. */
export function shakeHands(address: Address, options: ConnectionOptions = {}): TLSSocket {
  const socket = connectTls({
    ...tcpOf(address),
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
    ...options,
  });
  // Whoever waits for something of it is told, and what comes after that is expected.
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** A connection without TLS. The socket goes with the test. */
export async function connectPlainly(address: Address): Promise<Socket> {
  const socket = connectTcp(tcpOf(address));
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** How a connection ended: the code of its error, or `closed`. */
export function endOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let code = 'closed';
    socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? error.message;
    });
    socket.on('close', () => resolve(code));
    // Otherwise the end of what it reads would not be noticed.
    socket.resume();
  });
}
