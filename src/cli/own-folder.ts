import { lstat, mkdtemp, opendir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_SOCKET_PATH_BYTES } from '../limits.ts';
import type { Estate } from '../process/leftovers/leftover-ending.ts';

/** The socket of a server of one's own, in its folder. */
export const OWN_SOCKET = 'runlet.sock';

/** The record of that server, beside it. */
export const OWN_RECORD = 'server';

/** What the folder's name begins with, and how much longer it is in the end. */
const FOLDER = 'runlet-run-';
const RANDOM = 'XXXXXX';

/** How long an empty folder is taken for one that was just made, in milliseconds. */
const EMPTY_MS = 5 * 60_000;

/** Where the folder of a server of one's own may be: for temporary files, and what else is there. */
function ownFolderParents(): readonly string[] {
  const parents = [tmpdir(), process.env['XDG_RUNTIME_DIR'], '/tmp'];
  return [...new Set(parents.filter((path) => path !== undefined && path !== ''))] as string[];
}

/**
 * Makes a folder for the socket, with mode 0700, in the first of some that serves: programs
 * are run where the one for temporary files is missing, or too long for a socket's path.
 *
 * @throws Error that says why the first does not serve, if none does
 */
export async function makeOwnFolder(): Promise<string> {
  let failure: unknown;
  for (const parent of ownFolderParents()) {
    try {
      assertSocketFits(join(parent, FOLDER + RANDOM, OWN_SOCKET));
      return await mkdtemp(join(parent, FOLDER));
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** The folders that this user's servers of their own may have left. Never rejects. */
export async function ownFolderEstates(): Promise<readonly Estate[]> {
  const estates: Estate[] = [];
  for (const parent of ownFolderParents()) {
    try {
      // Such a folder may have very many files.
      for await (const { name } of await opendir(parent, { bufferSize: 512 })) {
        if (!name.startsWith(FOLDER) || name.length !== FOLDER.length + RANDOM.length) continue;
        const folder = join(parent, name);
        if (await isOwnFolder(folder)) estates.push(estateOf(folder));
      }
    } catch {
      // It is not there, or not for us to look into.
    }
  }
  return estates;
}

function estateOf(folder: string): Estate {
  return {
    record: join(folder, OWN_RECORD),
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Whether nobody else can have put into a folder what is there. An empty one goes. */
async function isOwnFolder(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) return false;
  if ((found.mode & 0o077) !== 0) return false;
  if (Date.now() - found.mtimeMs > EMPTY_MS) await rmdir(folder).catch(() => {});
  return true;
}

function assertSocketFits(path: string): void {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return;
  throw new Error(`${path}: longer than ${MAX_SOCKET_PATH_BYTES} bytes`);
}
