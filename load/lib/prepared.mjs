// @ts-check
import { close, connect, processesOf, start } from '../../bench/lib/runlet-client.mjs';

/** @import { Order } from '../../bench/lib/runlet-client.mjs' */
/** @import { LoadedServer } from './server.mjs' */

/**
 * Has a process there while something is done, in a session of its own.
 *
 * @template T
 * @param {LoadedServer} server
 * @param {Order & { closed?: boolean }} order `closed`: wait first until it has exited and
 *   its output streams are closed
 * @param {(fields: { session_id: string, process_id: string }) => Promise<T>} use is given
 *   what names the process in a request
 * @returns {Promise<T>}
 */
export async function withProcess({ socket }, order, use) {
  const connection = connect(socket);
  try {
    const target = await start(connection, order);
    if (order.closed) await processesOf(connection).waitProcess(target);
    const result = await use({ session_id: target.sessionId, process_id: target.processId });
    await close(connection, target);
    return result;
  } finally {
    connection.close();
  }
}
