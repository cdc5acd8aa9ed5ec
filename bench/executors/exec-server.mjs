// @ts-check
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { ENVIRONMENT } from './executor.mjs';

/** @import { Executor, Order, Remote } from './executor.mjs' */

/** Bytes that may wait in the client before `write` resolves. */
const HIGH_WATER_BYTES = 1024 * 1024;

/**
 * @typedef {object} Message
 * @property {number} [id]
 * @property {{ code: number, message: string }} [error]
 * @property {string} [method]
 * @property {{ processId: string, chunk: string, exitCode: number }} [params]
 */

/**
 * The exec-server of Codex: JSON-RPC in WebSocket messages, bytes as base64. It has no
 * way to say end-of-file.
 *
 * @param {string} address a URL
 * @returns {Promise<Executor>}
 */
export async function openExecServer(address) {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  await once(socket, 'open');
  /** @type {Map<string, { onOutput: NonNullable<Order['onOutput']>, onExited: (code: number) => void, onClosed: () => void }>} */
  const processes = new Map();
  /** @type {Map<number, (message: Message) => void>} */
  const calls = new Map();
  let ids = 0;
  const send = (/** @type {object} */ message) => socket.send(JSON.stringify(message));
  /** @type {(method: string, params: object) => Promise<void>} */
  const call = (method, params) =>
    new Promise((resolve, reject) => {
      ids += 1;
      calls.set(ids, ({ error }) => (error ? reject(new Error(error.message)) : resolve()));
      send({ id: ids, method, params });
    });
  socket.on('message', (data) => {
    const message = /** @type {Message} */ (JSON.parse(data.toString()));
    if (message.id !== undefined) {
      calls.get(message.id)?.(message);
      calls.delete(message.id);
    }
    const process = processes.get(message.params?.processId ?? '');
    if (message.params === undefined || process === undefined) return;
    if (message.method === 'process/output') {
      process.onOutput(Buffer.from(message.params.chunk, 'base64').byteLength);
    } else if (message.method === 'process/exited') {
      process.onExited(message.params.exitCode);
    } else if (message.method === 'process/closed') {
      process.onClosed();
    }
  });
  await call('initialize', { clientName: 'runlet-bench' });
  send({ method: 'initialized', params: {} });
  return {
    start: ({ argv, stdin = false, onOutput = () => {} }) => {
      const processId = `p${ids}`;
      const started = call('process/start', {
        processId,
        argv,
        cwd: 'file:///',
        env: ENVIRONMENT,
        tty: false,
        pipeStdin: stdin,
        arg0: null,
      });
      let writes = 0;
      /** @type {Promise<void>} */
      const closed = new Promise((resolve, reject) => {
        started.catch(reject);
        let open = 2;
        // Either may come first.
        const one = () => {
          open -= 1;
          if (open === 0) resolve();
        };
        const onExited = (/** @type {number} */ code) =>
          code === 0 ? one() : reject(new Error(`it ended with ${code}`));
        processes.set(processId, { onOutput, onExited, onClosed: one });
      });
      /** @type {Remote['write']} */
      const write = async (data) => {
        writes += 1;
        const chunk = data.toString('base64');
        const written = call('process/write', { processId, writeId: `${writes}`, chunk });
        // Its answers are what it has to slow callers down; some may be under way.
        if (socket.bufferedAmount > HIGH_WATER_BYTES) await written;
        else written.catch(() => {});
      };
      const kill = () => void call('process/terminate', { processId });
      return { closed, write, kill };
    },
    close: () => socket.close(),
  };
}
