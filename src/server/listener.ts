import { renameSync, type Stats } from 'node:fs';
import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Address } from '../address.ts';
import { isFileOf, lockFile } from '../file-lock.ts';
import { ACCEPT_BACKLOG, MAX_SOCKET_PATH_BYTES } from '../limits.ts';
import type { FileIdentity } from '../network/own-listeners.ts';
import { assertTrustedFolder, makeFolder } from '../private-folder.ts';

/** A socket that accepts connections. */
export interface Listener {
  /** Where it listens, with the real port. */
  readonly address: Address;
  /** The file of a Unix socket. */
  readonly file: FileIdentity | undefined;
  /** Accepts no more. Connections that were accepted go on. Idempotent. */
  close(): Promise<void>;
}

/** How {@link listen} listens. Every field may be left out. */
export interface ListenSettings {
  /**
   * The descriptor of a socket that listens at the address already. Whoever made it has said what
   * its mode is, and removes its file. It is this server's from now on.
   */
  readonly fd?: number;
  /** The mode of a Unix socket. Default: 0600, for its user alone. */
  readonly socketMode?: number;
  /** A connection could not be accepted: there are no descriptors, for example. */
  readonly onProblem?: (error: Error) => void;
}

/** The mode of a Unix socket where nothing else is asked for. */
const PRIVATE_MODE = 0o600;

/**
 * Listens on an address and hands over every connection.
 *
 * A Unix socket is bound with mode 0600 and gets the one that is asked for then, in a folder
 * that is made with mode 0700 if it is missing; one that a dead server left is replaced. Servers that look at one path at
 * the same time take turns, by a lock beside it. Connections that came before are taken, too, where
 * the socket is there already.
 *
 * @throws Error if the address cannot be bound
 */
export async function listen(
  address: Address,
  onConnection: (socket: Socket) => void,
  { fd, onProblem = () => {}, socketMode = PRIVATE_MODE }: ListenSettings = {},
): Promise<Listener> {
  const server = createServer({ noDelay: true, pauseOnConnect: false }, onConnection);
  if (fd !== undefined) {
    await listening(server, () => server.listen({ fd }, ACCEPT_BACKLOG));
    server.on('error', onProblem);
    const file = address.kind === 'unix' ? await fileAt(address.path) : undefined;
    return { address, file, close: () => closeServer(server) };
  }
  if (address.kind === 'unix') {
    // libuv would cut it, and listen somewhere else.
    if (Buffer.byteLength(address.path) > MAX_SOCKET_PATH_BYTES) {
      throw new Error(`${address.path}: longer than ${MAX_SOCKET_PATH_BYTES} bytes`);
    }
    const folder = dirname(address.path);
    await makeFolder(folder);
    await assertTrustedFolder(folder);
    const own = await listenAtPath(server, address.path, socketMode);
    server.on('error', onProblem);
    const file = await lstat(address.path, { bigint: true });
    return { address, file, close: () => closeAtPath(server, address.path, own) };
  }
  const { host } = address;
  await listening(server, () =>
    server.listen({ host, port: address.port, backlog: ACCEPT_BACKLOG }),
  );
  server.on('error', onProblem);
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  const at: Address = { kind: 'tcp', host, port };
  return { address: at, file: undefined, close: () => closeServer(server) };
}

/** The file of a socket of somebody else's; undefined: it is gone, and nobody comes by it. */
function fileAt(path: string): Promise<FileIdentity | undefined> {
  return lstat(path, { bigint: true }).catch(() => undefined);
}

/** Returns the file that the socket has. */
async function listenAtPath(server: Server, path: string, mode: number): Promise<Stats> {
  const lock = await lockFile(`${path}.lock`);
  try {
    await removeStaleSocket(path);
    await listenWithUmask(server, path);
    await chmod(path, mode);
    return await lstat(path);
  } finally {
    lock.release();
  }
}

/** The socket is created by bind(2), inside `listen`, with the mode that the umask leaves. */
function listenWithUmask(server: Server, path: string): Promise<void> {
  return listening(server, () => {
    const umask = process.umask(0o177);
    try {
      server.listen({ path, backlog: ACCEPT_BACKLOG });
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

/**
 * Closes a server, and removes the file of its socket, unless another server has taken that
 * path since: somebody may have removed the file, so that a new one could be made.
 */
async function closeAtPath(server: Server, path: string, own: Stats): Promise<void> {
  if (!server.listening) return;
  // The folder may be gone, or be nobody's to write to any more.
  const lock = await lockFile(`${path}.lock`).catch(() => undefined);
  try {
    // libuv removes whatever is at the path that it bound, so another's is out of the way
    // meanwhile. All of this is one step of the event loop.
    const aside = `${path}.${process.pid}`;
    const kept = !isFileOf(path, own) && moved(path, aside);
    server.close();
    if (kept) moved(aside, path);
  } finally {
    lock?.release();
  }
}

/** Renames a file; false if it is not there, or not ours to rename or remove. */
function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Calls back once the connections are gone too; they are not waited for here.
    server.close();
    resolve();
  });
}
