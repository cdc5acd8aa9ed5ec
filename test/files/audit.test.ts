import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LivePieces } from '../../src/conformance/file-calls.ts';
import { pieceOf, unpacking, writing } from '../../src/conformance/file-streams.ts';
import { FileService, WriteDisposition } from '../../src/gen/runlet/v1/file_pb.ts';
import { type CallTarget, failedCall, nowhere } from '../identity/every-call.ts';
import { CHANGE_FILES } from '../identity/file-calls.ts';
import { attach } from '../support/attach.ts';
import { auditOf } from '../support/audit.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, serveHere } from '../support/harness.ts';
import { holdStep } from '../support/held-steps.ts';
import { as, namedCallers } from '../support/named-callers.ts';
import { archiveOf } from '../support/tar.ts';

/** What no line may say: it is in every file that is written here. */
const CONTENT = 'my-secret-content';

const ADA = as('ada');

/** What the calls of {@link CHANGE_FILES} name in a folder, as an operator reads it. */
const NAMED: Readonly<Record<string, (folder: string) => string>> = {
  WriteFile: (folder) => `${folder}/written`,
  CreateDirectory: (folder) => `${folder}/made`,
  RemoveFile: (folder) => `${folder}/file`,
  MoveFile: (folder) => `${folder}/file -> ${folder}/another`,
  CopyFile: (folder) => `${folder}/file -> ${folder}/another`,
  SetFileAttributes: (folder) => `${folder}/file`,
  CreateSymlink: (folder) => `${folder}/link`,
  WriteTree: (folder) => `${folder}/unpacked`,
};

/** A server with a session of ada's, and what it recorded of it. */
async function audited() {
  const served = await serveHere({ auth: [namedCallers({ ada: {} })] });
  const clients = connectClients(served.address);
  const sessionId = randomUUID();
  await clients.sessions.createSession({ sessionId }, ADA);
  const folder = join(served.folder, 'files');
  await mkdir(folder);
  const record = (action: string, detail: string, more: object = {}): object => ({
    principal: 'token:ada',
    action,
    session_id: sessionId,
    process_id: '',
    outcome: 'ok',
    reason: '',
    detail,
    ...more,
  });
  /** Waits until there are as many records as this; nothing may have told of contents. */
  const told = async (count: number) => {
    await expect.poll(() => auditOf(served).length).toBeGreaterThanOrEqual(count);
    expect(served.log.join('')).not.toContain(CONTENT);
    return auditOf(served);
  };
  const target: CallTarget = { ...nowhere(''), sessionId, files: folder };
  return { ...clients, served, sessionId, folder, record, told, target };
}

type Audited = Awaited<ReturnType<typeof audited>>;

describe('the audit of files', () => {
  it('has one line for each call that changes some, and none for others', async () => {
    const { connection, folder, record, sessionId, target, told } = await audited();
    const expected: object[] = [];
    for (const [number, method] of FileService.methods.entries()) {
      const { name } = method;
      // Uploads are ended by their ids: there is none here.
      if (name.endsWith('Upload')) continue;
      const files = join(folder, `${number}`);
      await mkdir(files);
      await writeFile(join(files, 'file'), CONTENT);
      const failure = await failedCall(connection, method, { ...target, files }, ADA);
      expect([name, failure?.summary]).toEqual([name, undefined]);
      if (!CHANGE_FILES.includes(name)) continue;
      expected.push(record(name, NAMED[name]?.(files) ?? ''));
      // Those that change nothing have come before the next that does.
      expect(await told(expected.length)).toEqual(expected);
    }
    expect(expected).toHaveLength(CHANGE_FILES.length);
    expect(sessionId).not.toBe('');
  });

  it('says what failed, and why', async () => {
    const { connection, folder, record, target, told } = await audited();
    // Nothing is there, but what is to be made; and a file where a folder should be.
    const files = join(folder, 'file');
    await writeFile(files, CONTENT);
    const expected: object[] = [];
    for (const method of FileService.methods) {
      const { name } = method;
      if (!CHANGE_FILES.includes(name)) continue;
      const failure = await failedCall(connection, method, { ...target, files }, ADA);
      expect([name, failure?.summary]).toEqual([name, 'FAILED_PRECONDITION/NOT_A_DIRECTORY']);
      const detail = expect.stringContaining(`${files}/`) as string;
      expected.push(record(name, detail, { outcome: 'failed', reason: 'NOT_A_DIRECTORY' }));
      expect(await told(expected.length)).toEqual(expected);
    }
    expect(await readFile(files, 'utf8')).toBe(CONTENT);
  });

  it('names a path that is no text as what it shows', async () => {
    const { files, folder, record, sessionId, told } = await audited();
    const rawPath = Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0x66, 0xff, 0x0a)]);
    const rawTargetPath = Buffer.concat([rawPath, Buffer.from('2')]);
    await files.createDirectory({ sessionId, rawPath }, ADA);
    await files.moveFile({ sessionId, rawPath, rawTargetPath }, ADA);
    const shown = `${folder}/f\ufffd\n`;
    expect(await told(2)).toEqual([
      record('CreateDirectory', shown),
      record('MoveFile', `${shown} -> ${shown}2`),
    ]);
  });

  it('has a line for each repeat of a call, which does nothing again', async () => {
    const { files, folder, record, sessionId, told } = await audited();
    const [path, targetPath] = [join(folder, 'a'), join(folder, 'b')];
    await writeFile(path, CONTENT);
    const request = { sessionId, path, targetPath, requestId: 'once' };
    for (let count = 0; count < 2; count++) await files.moveFile(request, ADA);
    expect(await told(2)).toEqual(Array(2).fill(record('MoveFile', `${path} -> ${targetPath}`)));
  });
});

describe('the audit of a change whose client is gone', () => {
  it('says that it failed, whatever comes of it', async () => {
    const { files, folder, record, sessionId, told } = await audited();
    const path = join(folder, 'file');
    await writeFile(path, CONTENT);
    const held = holdStep(({ kind }) => kind === 'begin');
    const cancel = new AbortController();
    const call = files.removeFile({ sessionId, path }, { ...ADA, signal: cancel.signal });
    call.catch(() => {});
    await held.asked;
    cancel.abort();
    expect((await failureOf(call)).summary).toBe('CANCELLED/undefined');
    const failed = { outcome: 'failed', reason: 'CANCELLED' };
    expect(await told(1)).toEqual([record('RemoveFile', path, failed)]);
  });
});

/** How a call ends that has written a part of a file, and what its line tells as the reason. */
const ENDS: Readonly<Record<string, readonly [reason: string, end: (of: Writing) => unknown]>> = {
  'has no end': ['UPLOAD_UNFINISHED', ({ pieces }) => pieces.end()],
  'is taken over': ['ATTACHMENT_SUPERSEDED', (of) => attach(of.asAda, of.sessionId)],
  'ends with its session': [
    'SESSION_CLOSED',
    ({ asAda, sessionId }) => asAda.sessions.closeSession({ sessionId }),
  ],
};

/** A file that is written into itself, half of which has arrived. */
interface Writing extends Pick<Audited, 'sessionId'> {
  readonly pieces: LivePieces;
  readonly asAda: Pick<Audited, 'sessions'>;
}

describe('the audit of a write that', () => {
  it.each(Object.entries(ENDS))('%s says that it failed', async (_, [reason, end]) => {
    const { files, folder, record, sessionId, sessions, told } = await audited();
    const asAda = { sessions: withCaller(sessions) };
    const path = join(folder, 'file');
    await writeFile(path, `old ${CONTENT}`);
    const { attachmentId } = await attach(asAda, sessionId);
    const pieces = new LivePieces();
    const disposition = WriteDisposition.IN_PLACE;
    const open = { sessionId, attachmentId, path, disposition };
    const call = files.writeFile(writing(open, pieces, { finish: false }), ADA).catch(() => {});
    pieces.give(pieceOf(CONTENT));
    await expect.poll(() => readFile(path, 'utf8')).toMatch(new RegExp(`^${CONTENT}`));
    await end({ pieces, asAda, sessionId });
    await call;
    expect(await told(1)).toEqual([record('WriteFile', path, { outcome: 'failed', reason })]);
  });

  it('is of a tree says the same', async () => {
    const { files, folder, record, sessionId, told } = await audited();
    const open = { sessionId, path: join(folder, 'tree') };
    const archive = archiveOf({ name: 'file', content: CONTENT });
    const cut = files.writeTree(unpacking(open, [archive], { finish: false }), ADA);
    const reason = 'UPLOAD_UNFINISHED';
    expect((await failureOf(cut)).summary).toBe(`FAILED_PRECONDITION/${reason}`);
    expect(await told(1)).toEqual([record('WriteTree', open.path, { outcome: 'failed', reason })]);
    await expect.poll(() => readdir(folder)).toEqual([]);
  });
});

/** The calls of sessions as ada makes them. */
function withCaller(sessions: Audited['sessions']): Audited['sessions'] {
  return {
    ...sessions,
    attachSession: (request) => sessions.attachSession(request, ADA),
    closeSession: (request) => sessions.closeSession(request, ADA),
  };
}
