/**
 * Echo: each virtual user has a `cat` of its own, writes a line to it and reads until the
 * line is back, as often as there are iterations; then it ends it with end-of-file.
 */
import { check } from 'k6';
import { b64decode, b64encode } from 'k6/encoding';
import { Trend } from 'k6/metrics';
import { call, connect, done } from './lib/client.js';
import { closeSession, createSession, startProcess } from './lib/sessions.js';
import { bounded, number } from './lib/settings.js';

const ITERATIONS = number('ITERATIONS', 100);

export const options = bounded(number('VUS', 16), ITERATIONS);

const echo = new Trend('runlet_echo', true);

let cat;
let offset = 0;
let afterSeq = '0';

export default function () {
  connect();
  if (__ITER === 0) {
    cat = startProcess(createSession(), { argv: ['/bin/cat'], stdin: 'STDIN_MODE_PIPE' });
  }
  const line = `${__VU}-${__ITER}\n`;
  const began = Date.now();
  const written = call('ProcessService/WriteStdin', { ...cat, offset, data: b64encode(line) });
  check(Number(written.acceptedOffset), {
    'all of the line is accepted': (it) => it === offset + line.length,
  });
  const from = offset;
  offset += line.length;
  const text = readBack(from, line.length);
  echo.add(Date.now() - began);
  check(text, { 'the line comes back': (it) => it === line });
  if (__ITER === ITERATIONS - 1) end();
  done.add(1);
}

/**
 * Reads so many bytes.
 *
 * @param {number} from the position of the first in the whole stream
 * @param {number} length
 */
function readBack(from, length) {
  let text = '';
  while (text.length < length) {
    const read = call('ProcessService/ReadProcess', { ...cat, afterSeq, wait: '10s' });
    if (read.events.length === 0) throw new Error('no echo within 10 s');
    for (const { output } of read.events) {
      if (!output) continue;
      if (Number(output.offset || 0) !== from + text.length) throw new Error('a byte is missing');
      text += b64decode(output.data, 'std', 's');
    }
    afterSeq = read.nextAfterSeq;
  }
  return text;
}

function end() {
  call('ProcessService/WriteStdin', { ...cat, offset, eof: true });
  const { process } = call('ProcessService/WaitProcess', cat);
  check(process, { 'cat exits with 0': ({ status }) => (status.code || 0) === 0 });
  closeSession(cat.sessionId);
}
