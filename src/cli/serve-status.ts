import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect as connectSocket, type Socket } from 'node:net';
import { type Address, defaultAddress, formatAddress } from '../address.ts';
import { loadKoffi } from '../koffi.ts';
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

/** `SOL_SOCKET` and `SO_PEERCRED` of Linux, and the bytes of its `struct ucred`. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const UCRED_SIZE = 12;

/** Prints whether a server is up where these flags would have one listen, as service managers do. */
export async function printStatus(flags: ServeFlags): Promise<void> {
  const addresses = flags.listen ?? [defaultAddress(process.env)];
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
    return { address: text, pid: await peerOf(address.path), version, since: mtime };
  } catch (error) {
    if (error instanceof UnreachableError) return undefined;
    throw error;
  }
}

/** The number of the process that listens at a socket, as the system tells it: unix(7). */
async function peerOf(path: string): Promise<number | undefined> {
  const socket = connectSocket({ path });
  try {
    await once(socket, 'connect');
    const getsockopt = loadKoffi()
      .load(null)
      .func('int getsockopt(int fd, int level, int option, void *value, _Inout_ int *size)');
    const credentials = Buffer.alloc(UCRED_SIZE);
    const failed = getsockopt(fdOf(socket), SOL_SOCKET, SO_PEERCRED, credentials, [UCRED_SIZE]);
    return failed === 0 ? credentials.readInt32LE(0) : undefined;
  } catch {
    // A system that tells it in another way, or not at all.
    return undefined;
  } finally {
    socket.destroy();
  }
}

/** There is no public way to a socket's descriptor: https://github.com/nodejs/node/issues/37885 */
function fdOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } };
  return handle?.fd ?? -1;
}
