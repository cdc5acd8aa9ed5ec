import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatAddress } from '../address.ts';
import { MAX_SOCKET_PATH_BYTES } from '../limits.ts';
import type { RunletServer } from '../server/server.ts';
import { ignoreStraySignals } from './server-signals.ts';
import { startedWith } from './started-with.ts';
import { logStrayOutput } from './stray-output.ts';

/** Bytes of output that may wait for whoever reads ours. */
const RETAINED_BYTES = 8 * 1024 * 1024;

const SOCKET = 'runlet.sock';

/** What the folder's name begins with, and how much longer it is in the end. */
const FOLDER = 'runlet-run-';
const RANDOM = 'XXXXXX';

/**
 * Makes a folder for the socket, with mode 0700, in the first of some that serves: programs
 * are run where the one for temporary files is missing, or too long for a socket's path.
 *
 * @throws Error that says why the first does not serve, if none does
 */
async function makeSocketFolder(parents: readonly (string | undefined)[]): Promise<string> {
  let failure: unknown;
  for (const parent of parents) {
    if (parent === undefined || parent === '') continue;
    try {
      assertSocketFits(join(parent, FOLDER + RANDOM, SOCKET));
      return await mkdtemp(join(parent, FOLDER));
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

function assertSocketFits(path: string): void {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return;
  throw new Error(`${path}: longer than ${MAX_SOCKET_PATH_BYTES} bytes`);
}

/** Does something with a server of its own, which nobody else can reach, and ends it. */
export async function withOwnServer<T>(use: (address: string) => Promise<T>): Promise<T> {
  // Whoever runs something elsewhere needs no server, and starts sooner without the code of one.
  const [{ startServer }, { createLauncher }, { pino }] = await Promise.all([
    import('../server/server.ts'),
    import('../process/launchers.ts'),
    import('pino'),
  ]);
  ignoreStraySignals();
  const logger = pino({ enabled: false }, { write: () => {} });
  logStrayOutput(logger);
  const folder = await makeSocketFolder([tmpdir(), process.env['XDG_RUNTIME_DIR'], '/tmp']);
  const address = { kind: 'unix', path: join(folder, SOCKET) } as const;
  let server: RunletServer | undefined;
  try {
    server = await startServer({
      addresses: [address],
      logger,
      launcher: createLauncher(undefined, startedWith()),
      // It is read as fast as we write it, and nothing is read again.
      limits: { defaultRetainedBytes: RETAINED_BYTES },
    });
    return await use(formatAddress(address));
  } finally {
    await server?.shutdown();
    await rm(folder, { recursive: true, force: true });
  }
}
