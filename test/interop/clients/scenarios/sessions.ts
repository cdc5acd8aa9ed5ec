import { randomUUID } from 'node:crypto';
import type { Scenario } from '../scenario.ts';
import { attach, failureOf, shell, summaryOf } from '../stage.ts';

const SUPERSEDED = 'ABORTED/ATTACHMENT_SUPERSEDED';
const HOLDER = '5b2c8c0e-31a7-4d0e-9a55-0f6e2f3d7a01';
const OTHER = 'c1f0a6b2-7d43-4b59-8e21-9a3b5c7d1e02';

/** Sessions, and who may act in them. */
export const SESSIONS: readonly Scenario[] = [
  {
    name: 'a take-over fences the stream and the calls of the attachment before it',
    async play(stage) {
      const process_id = 'idle';
      const first = await attach(stage, HOLDER, 1);
      const mine = { process_id, attachment_id: first.attachmentId };
      await stage.perform('start', { ...mine, spec: shell(stage, 'exec sleep 1000') });
      const watch = stage.begin('watch', { ...mine, reader: 'r' });
      await watch.note(({ kind }) => kind === 'started');
      const second = await attach(stage, OTHER, 1);
      const theirs = { process_id, attachment_id: second.attachmentId };
      const fenced = [
        first.stream.facts,
        watch.facts,
        stage.perform('get', mine),
        stage.perform('write', { ...mine, data: '' }),
        stage.perform('terminate', mine),
        stage.perform('attach', { mode: 'ATTACH_MODE_RESUME', holder_id: HOLDER, attempt: 2 }),
      ];
      const failures = await Promise.all(fenced.map(summaryOf));
      const { state } = await stage.perform('get', theirs);
      const anonymous = await stage.perform('get', { process_id });
      return { failures, states: [state, anonymous.state] };
    },
    expected: {
      failures: Array(6).fill(SUPERSEDED),
      states: ['PROCESS_STATE_RUNNING', 'PROCESS_STATE_RUNNING'],
    },
  },
  {
    name: 'an attachment that asks not to take over is refused',
    async play(stage) {
      await attach(stage, HOLDER, 1);
      return summaryOf(stage.perform('attach', { mode: 'ATTACH_MODE_REJECT_IF_ATTACHED' }));
    },
    expected: 'FAILED_PRECONDITION/SESSION_ALREADY_ATTACHED',
  },
  {
    name: 'an evicted process, one that never was and an unknown session are told apart',
    async play(stage) {
      const { stream } = await attach(stage, HOLDER, 1);
      const process_id = 'gone';
      await stage.perform('start', { process_id, spec: shell(stage, 'true', { retention_ms: 0 }) });
      await stream.note(({ evicted }) => evicted === process_id);
      return Promise.all([
        summaryOf(stage.perform('get', { process_id })),
        summaryOf(stage.perform('watch', { process_id, reader: 'r' })),
        summaryOf(stage.perform('get', { process_id: 'never' })),
        summaryOf(stage.perform('get', { process_id, session_id: randomUUID() })),
      ]);
    },
    expected: [
      'NOT_FOUND/PROCESS_EVICTED',
      'NOT_FOUND/PROCESS_EVICTED',
      'NOT_FOUND/PROCESS_NOT_FOUND',
      'NOT_FOUND/SESSION_NOT_FOUND',
    ],
  },
  {
    name: 'the header runlet-session-id is sent, and has to name the session',
    async play(stage) {
      const process_id = 'job';
      await stage.perform('start', { process_id, spec: shell(stage, 'true') });
      const upper = { process_id, header: stage.sessionId.toUpperCase() };
      const { state } = await stage.perform('wait', upper);
      const other = stage.perform('get', { process_id, header: randomUUID() });
      const { code, reason, domain, fields } = await failureOf(other);
      return { state, code, reason, domain, fields };
    },
    expected: {
      state: 'PROCESS_STATE_CLOSED',
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_REQUEST',
      domain: 'runlet.v1',
      fields: ['session_id'],
    },
  },
];
