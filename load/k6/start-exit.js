/**
 * Start and exit, as often as it goes: each iteration makes a session, starts a process that
 * prints its number and exits with a code of its own, waits for it, reads all its events and
 * closes the session.
 */
import { check } from 'k6';
import { b64decode } from 'k6/encoding';
import { Trend } from 'k6/metrics';
import { call, connect, done } from './lib/client.js';
import { closeSession, createSession, startProcess } from './lib/sessions.js';
import { bounded, number } from './lib/settings.js';

export const options = bounded(number('VUS', 8), number('ITERATIONS', 60));

const startToClosed = new Trend('runlet_start_to_closed', true);

export default function () {
  connect();
  const code = (__VU * 31 + __ITER) % 256;
  const text = `${__VU}-${__ITER}`;
  const sessionId = createSession();
  const began = Date.now();
  const target = startProcess(sessionId, {
    argv: ['/bin/sh', '-c', `echo ${text}; exit ${code}`],
  });
  const waited = call('ProcessService/WaitProcess', target);
  startToClosed.add(Date.now() - began);
  const { events } = call('ProcessService/ReadProcess', { ...target, wait: '1s' });
  check(waited.process, {
    'it is closed': ({ state }) => state === 'PROCESS_STATE_CLOSED',
    'it exited with its code': ({ status }) => (status.code || 0) === code,
  });
  check(events, {
    'no event is missing': (all) => all.every(({ seq }, index) => Number(seq) === index + 1),
    'it printed its number': (all) => printed(all) === `${text}\n`,
    'the last event is its closing': (all) => all[all.length - 1].closed !== undefined,
  });
  closeSession(sessionId);
  done.add(1);
}

/** @param {{ output?: { data: string } }[]} events */
function printed(events) {
  return events.map(({ output }) => (output ? b64decode(output.data, 'std', 's') : '')).join('');
}
