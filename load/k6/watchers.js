/**
 * Many watchers of one process that prints a line every now and then: each virtual user
 * watches it with several streams at once, from its first event to its last.
 */
import { check } from 'k6';
import { b64decode } from 'k6/encoding';
import { Trend } from 'k6/metrics';
import { connect, disconnect, done, stream } from './lib/client.js';
import { closeSession, createSession, startProcess } from './lib/sessions.js';
import { bounded, number } from './lib/settings.js';

export const options = bounded(number('VUS', 10), number('ITERATIONS', 1));

/** Of each virtual user. */
const WATCHERS = number('WATCHERS', 20);
const LINES = number('LINES', 40);
const PAUSE = __ENV.PAUSE || '0.1';

/** From when the server had a line to when a watcher has it: both are on one machine. */
const lag = new Trend('runlet_lag', true);

export function setup() {
  connect();
  const script = `i=0; while [ $i -lt ${LINES} ]; do sleep ${PAUSE}; echo $i; i=$((i+1)); done`;
  const target = startProcess(createSession(), { argv: ['/bin/sh', '-c', script] });
  disconnect();
  return target;
}

export default async function (target) {
  connect();
  const watchers = [];
  for (let count = 0; count < WATCHERS; count += 1) watchers.push(watch(target));
  await Promise.all(watchers);
  done.add(1);
}

export function teardown({ sessionId }) {
  connect();
  closeSession(sessionId);
  disconnect();
}

/** @param {{ sessionId: string, processId: string }} target */
async function watch(target) {
  const began = Date.now();
  const seqs = [];
  let text = '';
  let closed = false;
  await stream('ProcessService/WatchProcess', target, ({ events }) => {
    for (const { seq, time, output, closed: last } of events) {
      seqs.push(Number(seq));
      if (last) closed = true;
      if (!output) continue;
      text += b64decode(output.data, 'std', 's');
      // What was printed before it came has waited for it.
      const at = Date.parse(time);
      if (at > began) lag.add(Math.max(0, Date.now() - at));
    }
  });
  const lines = Array.from({ length: LINES }, (_, line) => `${line}\n`).join('');
  check(text, { 'it got every line once, in order': (all) => all === lines });
  check(seqs, {
    'no event is missing': (all) => all.every((seq, index) => seq === index + 1),
    'the stream ended after the closing': () => closed,
  });
}
