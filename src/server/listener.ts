import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Address } from '../address.ts';
import { MAX_SOCKET_PATH_BYTES } from '../limits.ts';
import { makeFolder } from '../private-folder.ts';

/** A socket that accepts connections. */
export interface Listener {
  /** Where it listens, with the real port. */
  readonly address: Address;
  /** Accepts no more. Connections that were accepted go on. Idempotent. */
  close(): Promise<void>;
}

/**
 * Listens on an address and hands over every connection.
 *
 * A Unix socket is bound with mode 0600, in a folder that is made with mode 0700
 * if it is missing; one that a dead server left is replaced.
 *
 * @throws Error if the address cannot be bound
 */
export async function listen(
  address: Address,
  onConnection: (socket: Socket) => void,
): Promise<Listener> {
  const server = createServer({ noDelay: true, pauseOnConnect: false }, onConnection);
  if (address.kind === 'unix') {
    // libuv would cut it, and listen somewhere else.
    if (Buffer.byteLength(address.path) > MAX_SOCKET_PATH_BYTES) {
      throw new Error(`${address.path}: longer than ${MAX_SOCKET_PATH_BYTES} bytes`);
    }
    await makeFolder(dirname(address.path));
    await removeStaleSocket(address.path);
    await listenWithUmask(server, address.path);
    await chmod(address.path, 0o600);
    return { address, close: () => closeServer(server) };
  }
  const { host } = address;
  await listening(server, () => server.listen({ host, port: address.port }));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { address: { kind: 'tcp', host, port }, close: () => closeServer(server) };
}

/** The socket is created by bind(2), inside `listen`, with the mode that the umask leaves. */
function listenWithUmask(server: Server, path: string): Promise<void> {
  return listening(server, () => {
    const umask = process.umask(0o177);
    try {
      server.listen({ path });
    } finally {
      process.umask(umask);
    }
  });
}

function listening(server: Server, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.removeListener('error', reject);
      resolve();
    });
    begin();
  });
}

/** Removes a socket that nobody answers at; anything else there is left for bind(2) to refuse. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isSocket()) return;
  if (await answers(path)) throw new Error(`another server listens on ${path}`);
  await unlink(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}

/** Node removes the file of a Unix socket when its server closes. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Calls back once the connections are gone too; they are not waited for here.
    server.close();
    resolve();
  });
}
