import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatAddress } from '../address.ts';
import type { RunletServer } from '../server/server.ts';
import { ignoreStraySignals } from './server-signals.ts';
import { logStrayOutput } from './stray-output.ts';

/** Bytes of output that may wait for whoever reads ours. */
const RETAINED_BYTES = 8 * 1024 * 1024;

/** Does something with a server of its own, which nobody else can reach, and ends it. */
export async function withOwnServer<T>(use: (address: string) => Promise<T>): Promise<T> {
  // Whoever runs something elsewhere needs no server, and starts sooner without the code of one.
  const [{ startServer }, { pino }] = await Promise.all([
    import('../server/server.ts'),
    import('pino'),
  ]);
  ignoreStraySignals();
  const logger = pino({ enabled: false }, { write: () => {} });
  logStrayOutput(logger);
  // Made with mode 0700.
  const folder = await mkdtemp(join(tmpdir(), 'runlet-run-'));
  const address = { kind: 'unix', path: join(folder, 'runlet.sock') } as const;
  let server: RunletServer | undefined;
  try {
    server = await startServer({
      addresses: [address],
      logger,
      // It is read as fast as we write it, and nothing is read again.
      limits: { defaultRetainedBytes: RETAINED_BYTES },
    });
    return await use(formatAddress(address));
  } finally {
    await server?.shutdown();
    await rm(folder, { recursive: true, force: true });
  }
}
