import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DescMethod } from '@bufbuild/protobuf';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { servePolicy } from '../../src/cli/serve-policy.ts';
import { pieceOf, writing } from '../../src/conformance/file-streams.ts';
import { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { needsOf } from '../../src/server/method-grants.ts';
import { type CallTarget, failedCall, nowhere } from '../identity/every-call.ts';
import { CHANGE_FILES, UPLOAD_ID } from '../identity/file-calls.ts';
import { filesOf } from '../identity/matrix-server.ts';
import { auditOf } from '../support/audit.ts';
import { connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import { as, namedCallers } from '../support/named-callers.ts';

/** A policy that lets everybody of these tests touch files. */
const OPEN = `principals: [{ match: 'token:*' }]`;

/** What a policy says of a caller who may not touch files, and the rule that it is told. */
const KINDS: Readonly<Record<string, readonly [policy: string, rule: string]>> = {
  'has grants for processes alone': [
    `principals: [{ match: 'token:ci', grants: [start, observe, input, signal] }]`,
    'grants',
  ],
  'may be no user but others': [`principals: [{ match: 'token:ci', users: [70000] }]`, 'users'],
  'may be another user by name': [
    `principals: [{ match: 'token:ci', users: ['no-such-*'] }]`,
    'users',
  ],
  'is not named': [`principals: [{ match: 'token:other' }]`, 'grants'],
};

/** A server with a policy of a file, and a target of `ci`, with an upload that is not finished. */
async function policed() {
  const path = join(await temporaryFolder(), 'policy.yaml');
  await writeFile(path, OPEN);
  const told: string[] = [];
  const logger = pino({ base: null }, { write: (line) => void told.push(line) });
  const policy = await servePolicy(path, logger);
  onTestFinished(() => policy.close());
  const address = { kind: 'unix', path: join(await temporaryFolder(), 'runlet.sock') } as const;
  const auth = [namedCallers({ ci: {}, other: {} })];
  const served = await serveHere({ listeners: [{ address, auth }], policy: policy.live });
  const clients = connectClients(address);
  const sessionId = randomUUID();
  await clients.sessions.createSession({ sessionId }, as('ci'));
  const folder = join(served.folder, randomUUID());
  await mkdir(folder);
  const target: CallTarget = { ...nowhere(''), sessionId, files: folder };
  const file = join(folder, 'file');
  await writeFile(file, 'content');
  const upload = { sessionId, path: join(folder, 'sent'), uploadId: UPLOAD_ID };
  await clients.files
    .writeFile(writing(upload, [pieceOf('half')], { finish: false }), as('ci'))
    .catch(() => {});
  /** Puts another policy in force. */
  const replace = async (text: string): Promise<void> => {
    const before = told.length;
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
    await expect
      .poll(() => told.slice(before).some((line) => line.includes('is in force')))
      .toBe(true);
  };
  /** How a call of a method fails; undefined: it does not. */
  const fails = (method: DescMethod) => failedCall(clients.connection, method, target, as('ci'));
  const look = async () => [
    await filesOf(folder),
    await readFile(file, 'utf8').catch(() => undefined),
  ];
  return { ...clients, served, sessionId, folder, replace, fails, look };
}

describe.each(Object.entries(KINDS))(
  'a caller of whom the policy says that it %s',
  (_, [text, rule]) => {
    it('is denied every call about files, which does nothing and is recorded', async () => {
      const { fails, files, folder, look, replace, served, sessionId } = await policed();
      const before = await look();
      await replace(text);
      for (const method of FileService.methods) {
        const lines = auditOf(served).length;
        const failure = await fails(method);
        const { name } = method;
        expect([name, failure?.summary]).toEqual([name, 'PERMISSION_DENIED/POLICY_DENIED']);
        expect(failure?.info?.metadata).toEqual({ rule });
        expect(failure?.error.details).toBe(`the policy of the server forbids this (${rule})`);
        await expect.poll(() => auditOf(served).length).toBeGreaterThan(lines);
        expect(auditOf(served).slice(lines)).toEqual([
          {
            principal: 'token:ci',
            action: name,
            // Who lacks a grant is not asked which session.
            session_id: rule === 'grants' ? '' : sessionId,
            process_id: '',
            outcome: 'denied',
            reason: 'POLICY_DENIED',
            detail: expect.stringMatching(rule === 'grants' ? /^files/ : /^as ./),
          },
        ]);
        expect([name, await look()]).toEqual([name, before]);
      }
      // Nor was the upload given up; and what nobody forbids is seen when it is done.
      await replace(OPEN);
      const progress = await files.getUpload({ sessionId, uploadId: UPLOAD_ID }, as('ci'));
      expect(progress).toMatchObject({ acceptedOffset: 4n, finished: false });
      for (const method of FileService.methods) {
        if (method.name === 'RemoveFile') continue;
        const earlier = await look();
        const failure = await fails(method);
        expect([method.name, failure?.summary]).toEqual([method.name, undefined]);
        if (CHANGE_FILES.includes(method.name) && method.name !== 'CopyFile') {
          expect([method.name, await look()]).not.toEqual([method.name, earlier]);
        }
        if (method.name === 'MoveFile') await rename(join(folder, 'another'), join(folder, 'file'));
      }
    });
  },
);

describe('a caller whom the policy grants to read files', () => {
  it('reads and watches them, and changes none', async () => {
    const { fails, look, replace } = await policed();
    const before = await look();
    await replace(`principals: [{ match: 'token:ci', grants: [start, 'files:read'] }]`);
    for (const method of FileService.methods) {
      const needs = needsOf(method);
      const reads = typeof needs !== 'string' && needs.includes('files:read');
      const summary = (await fails(method))?.summary;
      const expected = reads ? undefined : 'PERMISSION_DENIED/POLICY_DENIED';
      expect([method.name, summary]).toEqual([method.name, expected]);
    }
    expect(await look()).toEqual(before);
  });
});
