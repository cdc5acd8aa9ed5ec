import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { type Address, defaultAddress, formatAddress } from '../address.ts';
import { peerOf } from '../peer-credentials.ts';
import { DOWN_EXIT_CODE } from './exit-codes.ts';
import { printJson, printLine } from './print.ts';
import type { ServeFlags } from './serve-flags.ts';
import { withServerAt } from './server-connection.ts';
import { table, tableWidth } from './table.ts';
import { UnreachableError } from './unreachable-error.ts';

/** A server that is up. */
export interface ServerStatus {
  readonly address: string;
  /** Undefined: it is not told, as of one that is reached over TCP. */
  readonly pid: number | undefined;
  readonly version: string;
  /** Undefined: it is not told. */
  readonly since: Date | undefined;
}

/** Prints whether a server is up where these flags would have one listen, as service managers do. */
export async function printStatus(flags: ServeFlags): Promise<void> {
  const addresses = flags.listen?.map(({ address }) => address) ?? [defaultAddress(process.env)];
  for (const address of addresses) {
    const status = await statusAt(address);
    if (status === undefined) process.exitCode = DOWN_EXIT_CODE;
    if (flags.json === true) {
      await printJson(status ?? { address: formatAddress(address), version: null });
    } else if (status === undefined) {
      await printLine(`no server answers at ${formatAddress(address)}`);
    } else {
      const rows = [
        ['address', status.address],
        ['pid', String(status.pid ?? '-')],
        ['version', status.version],
        ['since', status.since?.toISOString() ?? '-'],
      ];
      for (const line of table(rows, tableWidth())) await printLine(line);
    }
  }
}

/** The server at an address; undefined: there is none. */
export async function statusAt(address: Address): Promise<ServerStatus | undefined> {
  const text = formatAddress(address);
  try {
    const { version } = await withServerAt(text, undefined, (client) => client.info());
    if (address.kind !== 'unix') {
      return { address: text, pid: undefined, version, since: undefined };
    }
    // The socket is made when it begins to listen.
    const { mtime } = await stat(address.path);
    return { address: text, pid: await listenerPid(address.path), version, since: mtime };
  } catch (error) {
    if (error instanceof UnreachableError) return undefined;
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
