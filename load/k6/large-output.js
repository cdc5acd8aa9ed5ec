/**
 * Much output: each iteration runs a program that prints so many zeros, once with `Run` and
 * once with `StartProcess` and `WatchProcess`, and adds up what comes.
 */
import { check } from 'k6';
import { b64decode } from 'k6/encoding';
import { Counter, Trend } from 'k6/metrics';
import { connect, done, stream } from './lib/client.js';
import { closeSession, createSession, startProcess } from './lib/sessions.js';
import { bounded, number } from './lib/settings.js';

export const options = bounded(number('VUS', 2), number('ITERATIONS', 5));

const BYTES = number('BYTES', 2 * 1024 * 1024);

const whole = new Trend('runlet_output', true);
const received = new Counter('runlet_output_bytes');

export default async function () {
  connect();
  const spec = { argv: ['/usr/bin/head', '-c', `${BYTES}`, '/dev/zero'] };
  await readAll('ProcessService/Run', { spec });
  const sessionId = createSession();
  await readAll('ProcessService/WatchProcess', startProcess(sessionId, spec));
  closeSession(sessionId);
  done.add(1);
}

/**
 * @param {string} method
 * @param {object} request
 */
async function readAll(method, request) {
  const began = Date.now();
  let bytes = 0;
  let exact = true;
  let total = -1;
  await stream(method, request, ({ events }) => {
    for (const { output, closed } of events) {
      if (output) {
        exact = exact && Number(output.offset || 0) === bytes;
        bytes += b64decode(output.data, 'std').byteLength;
      }
      if (closed) total = Number(closed.totals[0].bytes);
    }
  });
  whole.add(Date.now() - began);
  received.add(bytes);
  check(bytes, {
    'every byte comes': (it) => it === BYTES,
    'each piece begins where the last one ended': () => exact,
    'the closing tells how many there were': (it) => total === it,
  });
}
