/**
 * Many attached sessions that do nothing: each virtual user makes sessions with ids of its
 * own, attaches to them, holds all of them for a while, and closes them, which ends the
 * streams.
 */
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import { connect, done, streamEnd } from './lib/client.js';
import { closeSession, createSession } from './lib/sessions.js';
import { bounded, number } from './lib/settings.js';

export const options = bounded(number('VUS', 5), number('ITERATIONS', 1));

/** Of each virtual user. */
const SESSIONS = number('SESSIONS', 60);
const HOLD_MS = number('HOLD_MS', 5000);

const toAttached = new Trend('runlet_attach', true);

export default async function () {
  connect();
  const held = [];
  for (let count = 0; count < SESSIONS; count += 1) held.push(await attach());
  await new Promise((resolve) => setTimeout(resolve, HOLD_MS));
  check(held, {
    'every stream is open after the wait': (all) => all.every(({ reason }) => reason === undefined),
  });
  for (const { sessionId } of held) closeSession(sessionId);
  await Promise.all(held.map(({ ended }) => ended));
  check(held, {
    'every stream ended as its session was closed': (all) =>
      all.every(({ reason }) => reason === 'SESSION_CLOSED'),
  });
  done.add(1);
}

/** Attaches to a new session; resolves when the first event has come. */
async function attach() {
  const sessionId = createSession();
  const began = Date.now();
  const one = { sessionId, reason: undefined, ended: undefined };
  await new Promise((attached, failed) => {
    one.ended = streamEnd('SessionService/AttachSession', { sessionId }, ({ event }) => {
      if (event.attached === undefined || event.attached === null) return;
      toAttached.add(Date.now() - began);
      check(event.attached, {
        'it is attached to its session': ({ session }) => session.sessionId === sessionId,
      });
      attached();
    }).then((error) => {
      one.reason = error === undefined ? 'none' : reasonOf(error);
      failed(new Error(`the stream ended before its first event: ${one.reason}`));
    });
  });
  return one;
}

/** @param {{ message: string, details: { reason?: string }[] }} error */
function reasonOf({ message, details }) {
  const info = details.find(({ reason }) => reason !== undefined);
  return info === undefined ? message : info.reason;
}
