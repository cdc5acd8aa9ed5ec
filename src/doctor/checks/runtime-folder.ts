import { dirname } from 'node:path';
import type { Check, Outcome } from '../check.ts';
import type { FolderFacts } from '../folder-facts.ts';
import { type FolderProblem, folderProblems, judgeFolder } from '../folder-problems.ts';

/** Bytes of the path of a socket: those of `sun_path` less a NUL, unix(7). */
const MAX_SOCKET_BYTES = 107;

/** It is for the user alone. */
const OPEN_TO_OTHERS = 0o077;

/** Whether a server can have its default socket. */
export function judgeRuntimeFolder(
  socket: string,
  facts: FolderFacts | undefined,
  uid: number | undefined,
): Outcome<FolderProblem | 'long'> {
  const bytes = Buffer.byteLength(socket);
  if (bytes > MAX_SOCKET_BYTES) {
    const detail = `${socket} has ${bytes} bytes, and ${MAX_SOCKET_BYTES} are possible`;
    return { detail, problem: 'long' };
  }
  return judgeFolder({ path: dirname(socket), facts, uid, forbidden: OPEN_TO_OTHERS });
}

const NO_SOCKET =
  '`runlet serve` does not start without `--listen`, and commands find no server without `--address`.';

export const runtimeFolder: Check<FolderProblem | 'long'> = {
  name: 'runtime-folder',
  about: 'the folder of the socket at which a server listens without `--listen`',
  required: true,
  problems: {
    ...folderProblems(
      NO_SOCKET,
      'set `XDG_RUNTIME_DIR` to a folder of the user, or serve with `--listen`',
      '0700',
    ),
    long: {
      consequence: NO_SOCKET,
      remedy: 'Set `XDG_RUNTIME_DIR` to a shorter path, or serve with `--listen`.',
    },
  },
  look: async ({ lookAtFolder, socket, uid }) =>
    judgeRuntimeFolder(socket.path, await lookAtFolder(dirname(socket.path)), uid),
};
