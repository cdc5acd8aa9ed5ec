import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished } from 'vitest';

/** Listens, and never accepts: what blocks its event loop is another thread. */
const LISTENER = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer().listen({ host: workerData, port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/**
 * An address at which nobody answers: a socket that listens and whose backlog is full, so that the
 * system drops what would be a new connection. Returns the port; it goes when the test is over.
 */
export async function blackHole(host = '127.0.0.1'): Promise<number> {
  const worker = new Worker(LISTENER, { eval: true, workerData: host });
  onTestFinished(async () => void (await worker.terminate()));
  const [port] = await once(worker, 'message');
  // One more than the backlog waits: listen(2) of Linux.
  for (let i = 0; i < 2; i++) {
    const filling = connect({ host, port });
    onTestFinished(() => void filling.destroy());
    await once(filling, 'connect');
  }
  await expect.poll(() => waitingAt(port)).toBe(2);
  return port;
}

/** How many connections wait to be accepted: what proc(5) has as the queue of a socket that listens. */
function waitingAt(port: number): number {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(([, local = '', , state]) => local.endsWith(ending) && state === '0A');
  return Number.parseInt(line?.[4]?.split(':')[1] ?? '', 16);
}
