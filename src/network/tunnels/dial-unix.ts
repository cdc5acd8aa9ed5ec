import { Socket } from 'node:net';
import { RunletError } from '../../errors.ts';
import type { FileOperations } from '../../files/workers/file-operations.ts';
import { shownText } from '../../system-text.ts';
import type { Asker } from '../../turn-queue.ts';
import { DialError, type DialStage } from '../dial-error.ts';
import type { OwnListeners } from '../own-listeners.ts';
import { boundedDial, type DialBounds, unlessAborted } from './bounded-dial.ts';
import { connectSocket } from './connect-socket.ts';

/** How a socket of the file system is connected. */
export interface UnixDialOptions extends DialBounds {
  /** What finds it, within the folders that files are confined to. */
  readonly files: FileOperations;
  /** The server's own sockets, which nobody reaches. */
  readonly own: Pick<OwnListeners, 'isSocket' | 'whenKnown'>;
  readonly asker: Asker;
}

/**
 * Connects to a socket of the file system, by a path that is a text of system-text.ts. It is found as
 * files are, and what was found is connected to, whatever the path leads to by then.
 *
 * @throws DialError `CONNECT`, `TIMEOUT`, `DENIED`; RunletError `OUTSIDE_ROOT`, and those by which
 *   file operations are refused
 */
export function dialUnix(path: string, options: UnixDialOptions): Promise<Socket> {
  return boundedDial(shownText(path), options, (signal) => dial(path, options, signal));
}

async function dial(
  path: string,
  { asker, files, own }: UnixDialOptions,
  signal: AbortSignal,
): Promise<Socket> {
  await own.whenKnown(signal);
  const found = files.begin(asker, 'findSocket', { path });
  try {
    const step = await unlessAborted(found.next(), signal);
    if (step.done || step.piece === undefined) throw new Error('it was not found');
    const { descriptor, ...identity } = step.piece;
    if (own.isSocket(identity)) throw unixError(path, 'DENIED', '', 'the server listens there');
    const socket = new Socket({ allowHalfOpen: true });
    await connectSocket(socket, { path: `/proc/self/fd/${descriptor}` }, signal);
    return socket;
  } catch (error) {
    throw aboutSocket(path, error);
  } finally {
    // The descriptor is open until then.
    found.close();
  }
}

/** What failed of it is a matter of the connection; where it may not be looked for, of the files. */
function aboutSocket(path: string, error: unknown): unknown {
  if (error instanceof RunletError) {
    const { reason, details } = error;
    if (details.fileFailure === undefined || reason === 'OUTSIDE_ROOT') return error;
    return unixError(path, 'CONNECT', details.fileFailure.errnoName);
  }
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return error;
  return unixError(path, 'CONNECT', String(error.code));
}

function unixError(path: string, stage: DialStage, errnoName: string, rule = ''): DialError {
  const target = shownText(path);
  const message =
    stage === 'DENIED'
      ? `${target} may not be reached`
      : `could not connect to ${target}: ${errnoName}`;
  return new DialError({ stage, errnoName, message, target, rule });
}
