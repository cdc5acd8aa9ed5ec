import { randomUUID } from 'node:crypto';
import { AttachMode } from '../../gen/runlet/v1/session_pb.ts';
import { ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';

const SUPERSEDED = 'ABORTED/ATTACHMENT_SUPERSEDED';
const { RESUME, TAKE_OVER } = AttachMode;

/** Attaching again after a break. */
export const resuming: readonly Check[] = [
  {
    id: 'RESUME-01',
    title: '`ATTACH_MODE_RESUME` supersedes the attachment of its own holder',
    clause: 'ATTACH_MODE_RESUME',
    async run(context) {
      const holderId = randomUUID();
      const first = await context.attach({ holderId, attempt: 1n });
      const second = await outcomeOf(context.attach({ holderId, attempt: 2n, mode: RESUME }));
      ensureEqual(second.summary, 'OK', 'to resume');
      await ensureFails(first.toEnd(), SUPERSEDED, 'the end of the stream before');
    },
  },
  {
    id: 'RESUME-02',
    title: '`ATTACH_MODE_RESUME` does not take the session back from somebody else',
    clause: 'ATTACH_MODE_RESUME',
    async run(context) {
      const holderId = randomUUID();
      await context.attach({ holderId, attempt: 1n });
      const other = await context.attach({ holderId: randomUUID(), attempt: 1n });
      const back = context.attach({ holderId, attempt: 2n, mode: RESUME });
      await ensureFails(back, SUPERSEDED, 'to resume when another is attached');
      await context.startShell('true');
      ensureEqual((await other.next())?.case, 'processStarted', 'what the other is told');
    },
  },
  {
    id: 'RESUME-03',
    title: '`ATTACH_MODE_RESUME` fails where nobody ever attached',
    clause: 'ATTACH_MODE_RESUME',
    async run(context) {
      await ensureFails(
        context.attach({ holderId: randomUUID(), attempt: 1n, mode: RESUME }),
        'NOT_FOUND/SESSION_NOT_FOUND',
        'to resume a session that nobody attached to',
      );
    },
  },
  {
    id: 'RESUME-04',
    title: 'An attempt that does not come after the holder’s latest is late, and changes nothing',
    clause: 'AttachSessionRequest.attempt',
    async run(context) {
      const holderId = randomUUID();
      const latest = await context.attach({ holderId, attempt: 2n });
      for (const mode of [TAKE_OVER, RESUME]) {
        const late = context.attach({ holderId, attempt: 1n, mode });
        await ensureFails(late, SUPERSEDED, `a late attempt, ${AttachMode[mode]}`);
      }
      await context.startShell('true');
      ensureEqual((await latest.next())?.case, 'processStarted', 'what the latest is told');
    },
  },
  {
    id: 'RESUME-05',
    title:
      '`ATTACH_MODE_RESUME` without a holder is refused, and so is a holder without an attempt',
    clause: 'AttachSessionRequest.holder_id',
    async run(context) {
      const cases = [
        { init: { mode: RESUME }, field: 'holder_id' },
        { init: { mode: RESUME, holderId: 'me', attempt: 1n }, field: 'holder_id' },
        { init: { holderId: randomUUID() }, field: 'attempt' },
      ];
      for (const { field, init } of cases) {
        const { badRequest } = await ensureFails(
          context.attach(init),
          'INVALID_ARGUMENT/INVALID_REQUEST',
          `to attach without a proper ${field}`,
        );
        const fields = badRequest?.fieldViolations.map((violation) => violation.field);
        ensureEqual(fields, [field], 'the fields that it names');
      }
    },
  },
  {
    id: 'RESUME-06',
    title: '`ATTACH_MODE_REJECT_IF_ATTACHED` does not reject a holder for an attachment of its own',
    clause: 'ATTACH_MODE_REJECT_IF_ATTACHED',
    async run(context) {
      const holderId = randomUUID();
      const mode = AttachMode.REJECT_IF_ATTACHED;
      const first = await context.attach({ holderId, attempt: 1n, mode });
      const second = await outcomeOf(context.attach({ holderId, attempt: 2n, mode }));
      ensureEqual(second.summary, 'OK', 'the second attach of the holder');
      await ensureFails(first.toEnd(), SUPERSEDED, 'the end of the stream before');
    },
  },
  {
    id: 'RESUME-07',
    title: 'A late attempt of a holder does not fence whoever attached after that holder',
    clause: 'AttachSessionRequest.attempt',
    async run(context) {
      const holderId = randomUUID();
      await context.attach({ holderId, attempt: 2n });
      const other = await context.attach({ holderId: randomUUID(), attempt: 1n });
      const late = context.attach({ holderId, attempt: 1n });
      await ensureFails(late, SUPERSEDED, 'a late attempt of the holder before');
      await context.startShell('true');
      ensureEqual((await other.next())?.case, 'processStarted', 'what the other is told');
    },
  },
];
