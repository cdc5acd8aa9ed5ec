import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { type ListenPlace, placeText } from './forward-spec.ts';
import { reset } from './join-streams.ts';
import { systemReason } from './system-reason.ts';

/** Connections that one listener has at a time: as many as a session can have tunnels. */
const MAX_CONNECTIONS = 2_048;

/** Somewhere on this machine where connections are accepted. */
export interface LocalListener {
  /** Where, with the real port. */
  readonly place: ListenPlace;
  /** Accepts no more, and resets what is open. A socket of the file system is removed. */
  close(): void;
}

/**
 * Has a server listen. A socket of the file system is for this user alone, and replaces one that
 * nobody answers at any more.
 *
 * @throws Error it cannot
 */
export async function listenLocally(server: Server, place: ListenPlace): Promise<LocalListener> {
  server.maxConnections = MAX_CONNECTIONS;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  try {
    await bind(server, place);
  } catch (error) {
    const reason = systemReason(error as NodeJS.ErrnoException);
    throw new Error(`cannot listen at ${placeText(place)}: ${reason}`);
  }
  // Without descriptors none can be accepted for a while.
  server.on('error', () => {});
  return {
    place: boundPlace(server, place),
    close: () => {
      server.close();
      for (const socket of sockets) reset(socket);
    },
  };
}

async function bind(server: Server, place: ListenPlace): Promise<void> {
  if (place.kind === 'path') {
    // Of a folder that is not there libuv says that there is no permission.
    await lstat(`${dirname(place.path)}/`);
    await removeStaleSocket(place.path);
  }
  const listening = once(server, 'listening');
  if (place.kind === 'port') {
    server.listen({ host: place.host, port: place.port });
  } else {
    // The socket is made by bind(2), within the call, with the mode that the umask leaves.
    const umask = process.umask(0o177);
    try {
      server.listen({ path: place.path });
    } finally {
      process.umask(umask);
    }
  }
  await listening;
}

function boundPlace(server: Server, place: ListenPlace): ListenPlace {
  const bound = server.address();
  if (place.kind === 'path' || bound === null || typeof bound === 'string') return place;
  return { kind: 'port', host: bound.address, port: bound.port };
}

/** Anything else that is there is left for bind(2) to refuse. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isSocket()) return;
  const probe = connect({ path });
  try {
    await once(probe, 'connect');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') await unlink(path);
  } finally {
    probe.destroy();
  }
}
