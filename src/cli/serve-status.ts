import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { credentials } from '@grpc/grpc-js';
import { type Address, formatAddress } from '../address.ts';
import { connect, RemoteError, type RunletClient } from '../client/index.ts';
import type { Reason } from '../errors.ts';
import { peerOf } from '../peer-credentials.ts';
import { DOWN_EXIT_CODE } from './exit-codes.ts';
import { listenAddresses } from './listen-addresses.ts';
import { printJson, printLine } from './print.ts';
import type { ServeFlags } from './serve-flags.ts';
import { withServerAt } from './server-connection.ts';
import { table, tableWidth } from './table.ts';
import { UnreachableError } from './unreachable-error.ts';

/** What is printed for a version that is not told. JSON has null for a server that is not up. */
const UNKNOWN = 'unknown';

/** A server that is up. */
export interface ServerStatus {
  readonly address: string;
  /** Undefined: it is not told, as of one that is reached over TCP. */
  readonly pid: number | undefined;
  /** Undefined: it is told to callers alone, whom the server has asked for credentials. */
  readonly version: string | undefined;
  /** Undefined: it is not told. */
  readonly since: Date | undefined;
}

/** Prints whether a server is up where these flags would have one listen, as service managers do. */
export async function printStatus(flags: ServeFlags): Promise<void> {
  for (const address of listenAddresses(flags, '--status')) {
    const status = await statusAt(address);
    if (status === undefined) process.exitCode = DOWN_EXIT_CODE;
    if (flags.json === true) {
      const told = status && { ...status, version: status.version ?? UNKNOWN };
      await printJson(told ?? { address: formatAddress(address), version: null });
    } else if (status === undefined) {
      await printLine(`no server answers at ${formatAddress(address)}`);
    } else {
      const rows = [
        ['address', status.address],
        ['pid', String(status.pid ?? '-')],
        ['version', status.version ?? '-'],
        ['since', status.since?.toISOString() ?? '-'],
      ];
      for (const line of table(rows, tableWidth())) await printLine(line);
    }
  }
}

/** The server at an address; undefined: there is none. */
export async function statusAt(address: Address): Promise<ServerStatus | undefined> {
  const text = formatAddress(address);
  const found = (await versionAt(text)) ?? (await secureVersionAt(address));
  if (found === undefined) return undefined;
  if (address.kind !== 'unix') return { address: text, pid: undefined, since: undefined, ...found };
  // The socket is made when it begins to listen.
  const { mtime } = await stat(address.path);
  return { address: text, pid: await listenerPid(address.path), since: mtime, ...found };
}

type Version = Pick<ServerStatus, 'version'>;

async function versionAt(text: string): Promise<Version | undefined> {
  try {
    return await withServerAt(text, undefined, versionOf);
  } catch (error) {
    if (error instanceof UnreachableError) return undefined;
    throw error;
  }
}

/**
 * The same over TLS. Nothing that is secret is sent, and nothing done with what is told but to show
 * it, so the certificate is not looked at: it need not be one for this address.
 */
async function secureVersionAt(address: Address): Promise<Version | undefined> {
  if (address.kind === 'unix') return undefined;
  const client = connect(formatAddress(address), {
    connectTimeoutMs: 0,
    credentials: credentials.createSsl(null, null, null, { rejectUnauthorized: false }),
  });
  try {
    return await versionOf(client);
  } catch {
    return undefined;
  } finally {
    await client.close();
  }
}

/** What a server answers that is up, and tells nobody its version, or nobody now. */
const TELLS_NOTHING: ReadonlySet<string> = new Set<Reason>([
  'AUDIT_UNAVAILABLE',
  'UNAUTHENTICATED',
]);

/** One that asks for credentials, which this command has none of, is up all the same. */
async function versionOf(client: RunletClient): Promise<Version> {
  try {
    const { version } = await client.info();
    return { version };
  } catch (error) {
    if (error instanceof RemoteError && TELLS_NOTHING.has(error.reason ?? '')) {
      return { version: undefined };
    }
    throw error;
  }
}

/** The number of the process that listens at a socket, as the system tells it: unix(7). */
async function listenerPid(path: string): Promise<number | undefined> {
  const socket = connectSocket({ path });
  try {
    await once(socket, 'connect');
    return peerOf(socket)?.pid;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
