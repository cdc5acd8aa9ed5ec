import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@grpc/grpc-js';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import { createClient } from '../../src/bridge/create-client.ts';
import type { ServiceClient } from '../../src/bridge/types.ts';
import { openConnection } from '../../src/client/connection.ts';
import type { Clock } from '../../src/clock.ts';
import { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import type { Authenticator } from '../../src/identity/authenticator.ts';
import { peerAuthenticator } from '../../src/identity/peer.ts';
import { createLauncher, LAUNCHER_NAMES } from '../../src/process/launchers.ts';
import { type RunletServer, startServer } from '../../src/server/server.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';
import { FakeClock, passTime } from './fake-clock.ts';

/** The launcher that the tests are run with; undefined: the default. */
export const LAUNCHER = LAUNCHER_NAMES.find((name) => name === process.env['TEST_LAUNCHER']);

/** The clients of a server, over one connection. */
export interface Clients {
  readonly connection: Client;
  readonly sessions: ServiceClient<typeof SessionService>;
  readonly processes: ServiceClient<typeof ProcessService>;
  readonly files: ServiceClient<typeof FileService>;
  readonly server: ServiceClient<typeof ServerService>;
}

/** A real server in this process, on a socket of its own, and clients of it. */
export interface Harness extends Clients {
  readonly address: Address;
  readonly runlet: RunletServer;
  /** A session made for the test. */
  readonly sessionId: string;
  /** A folder made for the test, which goes with it. */
  readonly folder: string;
  /** Everything that the server logged, a line each. */
  readonly log: readonly string[];
}

/** Connects to a server; the connection is closed when the test is over. */
export function connectClients(address: Address): Clients {
  const connection = openConnection(address);
  onTestFinished(() => connection.close());
  return {
    connection,
    sessions: createClient(SessionService, connection),
    processes: createClient(ProcessService, connection),
    files: createClient(FileService, connection),
    server: createClient(ServerService, connection),
  };
}

/** A folder that is removed when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Of a server whose clock goes on: longer than any test takes, however busy the machine. */
const NO_HURRY = { defaultRetentionMs: 3_600_000, heartbeatMs: 3_600_000 };

/** A clock that stands still would stop the waits of the shutdown, too. */
async function shutDown(runlet: RunletServer, clock: Clock | undefined): Promise<void> {
  const stopped = runlet.shutdown();
  await (clock instanceof FakeClock ? passTime(clock, stopped) : stopped);
}

/** A real server in this process, on a socket of its own. */
export type ServedHere = Pick<Harness, 'address' | 'folder' | 'log' | 'runlet'>;

/** Starts a server in this process that ends when the test is over. */
export async function serveHere({
  auth = [peerAuthenticator({ uids: [process.getuid?.() ?? 0] })],
  path,
  ...options
}: Partial<ServerOptions> & {
  /** Who is let in over its socket. Default: this user. */
  readonly auth?: readonly Authenticator[];
  /** Where its socket is. Default: in a folder of its own. */
  readonly path?: string;
} = {}): Promise<ServedHere> {
  const folder = await temporaryFolder();
  const address: Address = { kind: 'unix', path: path ?? join(folder, 'runlet.sock') };
  const log: string[] = [];
  const logger = pino({ base: null }, { write: (line) => void log.push(line) });
  const runlet = await startServer({
    listeners: [{ address, auth }],
    logger,
    cwd: folder,
    shutdownGraceMs: 0,
    launcher: createLauncher(LAUNCHER),
    ...options,
    limits: { ...(options.clock === undefined ? NO_HURRY : {}), ...options.limits },
  });
  onTestFinished(() => shutDown(runlet, options.clock));
  return { address, folder, log, runlet };
}

/** Does so, and connects to it. */
export async function startHarness(options: Partial<ServerOptions> = {}): Promise<Harness> {
  const served = await serveHere(options);
  const clients = connectClients(served.address);
  const { session } = await clients.sessions.createSession({});
  return { ...clients, ...served, sessionId: session?.sessionId ?? '' };
}
