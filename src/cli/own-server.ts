import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { formatAddress } from '../address.ts';
import { anybodyAuthenticator } from '../identity/anybody.ts';
import { DEFAULT_GRACE_MS, FAULT_EXIT_MS, RUN_LEFTOVER_GRACE_MS } from '../limits.ts';
import type { Launcher } from '../process/launcher.ts';
import { exitAtOnce } from '../process/native/exit-at-once.ts';
import type { RunletServer } from '../server/server.ts';
import type { ServerLog } from '../server/server-log.ts';
import { FAILURE_EXIT_CODE } from './exit-codes.ts';
import { inheritedVariables } from './own-bytes.ts';
import { makeOwnFolder, OWN_RECORD, OWN_SOCKET } from './own-folder.ts';
import { watchThis } from './own-watch.ts';
import type { Predecessors } from './predecessors.ts';
import { say } from './print.ts';
import { ignoreStraySignals } from './server-signals.ts';
import { startedWith } from './started-with.ts';
import { logStrayOutput } from './stray-output.ts';
import { takeUncaught } from './uncaught.ts';

/** Bytes of output that may wait for whoever reads ours. */
const RETAINED_BYTES = 8 * 1024 * 1024;

const NO_LOG: ServerLog = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {},
};

/** How a server of our own differs from others. */
export interface OwnServerOptions {
  /** Its processes have our standard input itself, unless they have a terminal or a pipe. */
  readonly sharesStdin: boolean;
}

/** Does something with a server of its own, which nobody else can reach, and ends it. */
export async function withOwnServer<T>(
  { sharesStdin }: OwnServerOptions,
  use: (address: string) => Promise<T>,
): Promise<T> {
  // Whoever runs something elsewhere needs no server, and starts sooner without the code of one.
  const [{ startServer }, { createLauncher }, { endPredecessors, recordServer }] =
    await Promise.all([
      import('../server/server.ts'),
      import('../process/launchers.ts'),
      import('./predecessors.ts'),
    ]);
  ignoreStraySignals();
  const logger = NO_LOG;
  logStrayOutput(logger);
  const fault = endOnFault();
  // It is told where it is waited for.
  fault.catch(() => {});
  const launcher = createLauncher(undefined, startedWith());
  const folder = await makeOwnFolder();
  const address = { kind: 'unix', path: join(folder, OWN_SOCKET) } as const;
  const record = await recordServer(join(folder, OWN_RECORD), launcher, logger);
  const watch = record && watchThis();
  let server: RunletServer | undefined;
  let predecessors: Predecessors | undefined;
  try {
    server = await startServer({
      // Nobody else can enter the folder of its socket.
      listeners: [{ address, auth: [anybodyAuthenticator()] }],
      logger,
      environment: inheritedVariables(),
      launcher: sharesStdin ? sharingStdin(launcher) : launcher,
      // It is read as fast as we write it, and nothing is read again.
      limits: { defaultRetainedBytes: RETAINED_BYTES },
    });
    predecessors = endPredecessors({
      stateFolder: undefined,
      launcher,
      log: logger,
      graceMs: DEFAULT_GRACE_MS,
    });
    return await Promise.race([use(formatAddress(address)), fault]);
  } finally {
    await Promise.all([server?.shutdown(), predecessors?.settle(RUN_LEFTOVER_GRACE_MS)]);
    await rm(folder, { recursive: true, force: true });
    record?.remove();
    watch?.over();
  }
}

/** A launcher whose processes have our standard input where they would have none. */
function sharingStdin(launcher: Launcher): Launcher {
  return {
    ...launcher,
    launch: (request) =>
      launcher.launch(request.stdin === 'closed' ? { ...request, stdin: 'shared' } : request),
  };
}

/**
 * Has this program end after an error that nobody caught: the promise rejects, so that the
 * processes are ended first, and whatever hangs is not waited for without end.
 */
function endOnFault(): Promise<never> {
  return new Promise((_, reject) => {
    takeUncaught({ fatal: ({ err }) => say(`a fault of this program: ${inspect(err)}`) }, () => {
      reject(new Error('it was ended because of an error that nobody caught'));
      const timer = setTimeout(() => {
        exitAtOnce();
        process.exit(FAILURE_EXIT_CODE);
      }, DEFAULT_GRACE_MS + FAULT_EXIT_MS);
      timer.unref();
    });
  });
}
