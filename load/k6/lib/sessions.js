import { call } from './client.js';

/**
 * Creates a session with an id of its own.
 *
 * @returns {string} the id
 */
export function createSession() {
  const sessionId = crypto.randomUUID();
  const { session } = call('SessionService/CreateSession', {
    sessionId,
    // If this script is ended before it closes the session.
    detachedTtl: '60s',
  });
  if (session.sessionId !== sessionId) throw new Error('it is another session');
  return sessionId;
}

/** @param {string} sessionId */
export function closeSession(sessionId) {
  call('SessionService/CloseSession', { sessionId });
}

/**
 * Starts a process in a session.
 *
 * @param {string} sessionId
 * @param {object} spec as protobuf's JSON has a ProcessSpec
 * @returns {{ sessionId: string, processId: string }} what names it
 */
export function startProcess(sessionId, spec) {
  const { process } = call('ProcessService/StartProcess', { sessionId, spec });
  return { sessionId, processId: process.processId };
}
