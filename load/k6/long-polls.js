/**
 * Long polls that nothing answers: each virtual user has a process that prints nothing, and
 * reads it with several polls at once, each of which comes back empty when its wait is over.
 */
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import { callAtOnce, connect, done } from './lib/client.js';
import { closeSession, createSession, startProcess } from './lib/sessions.js';
import { bounded, number } from './lib/settings.js';

const ITERATIONS = number('ITERATIONS', 4);

export const options = bounded(number('VUS', 10), ITERATIONS);

/** Of each virtual user, at one time. */
const POLLS = number('POLLS', 20);
const WAIT_MS = number('WAIT_MS', 1000);

/** By how much a poll took longer than it was to wait. */
const overrun = new Trend('runlet_overrun', true);

let idle;

export default async function () {
  connect();
  if (__ITER === 0) idle = startProcess(createSession(), { argv: ['/bin/sleep', '1000'] });
  const polls = [];
  for (let count = 0; count < POLLS; count += 1) polls.push(poll());
  await Promise.all(polls);
  if (__ITER === ITERATIONS - 1) closeSession(idle.sessionId);
  done.add(1);
}

async function poll() {
  const began = Date.now();
  // After its start, which is all that there is to read.
  const request = { ...idle, afterSeq: 1, wait: `${WAIT_MS / 1000}s` };
  const read = await callAtOnce('ProcessService/ReadProcess', request);
  const took = Date.now() - began;
  overrun.add(took - WAIT_MS);
  check(read, {
    'it comes back empty': ({ events }) => events.length === 0,
    'it goes on where it was': ({ nextAfterSeq }) => Number(nextAfterSeq) === 1,
    'the process runs': ({ process }) => process.state === 'PROCESS_STATE_RUNNING',
    // Clocks of milliseconds: it may have begun late in one.
    'it waited as long as it was to': () => took >= WAIT_MS - 2,
  });
}
