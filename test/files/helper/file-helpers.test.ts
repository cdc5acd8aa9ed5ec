import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Upload } from '../../../src/files/upload.ts';
import { Uploads } from '../../../src/files/uploads.ts';
import type { FileOperations } from '../../../src/files/workers/file-operations.ts';
import {
  IDLE_HELPER_MS,
  MAX_PRINCIPAL_SANDBOX_HELPERS,
  STUCK_FILE_MS,
} from '../../../src/limits.ts';
import type { Session } from '../../../src/session/session.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import {
  endableSession,
  makeHelpers,
  NO_SANDBOX,
  startPlain,
  startProgram,
} from '../../support/file-helpers.ts';
import { sha256Of } from '../../support/files.ts';
import { temporaryFolder } from '../../support/harness.ts';

const ASKER = { principal: 'a', asker: 'a session' };

/** Operations of a helper, and the processes that were started for them. */
function filesOf(start = startPlain): {
  readonly files: FileOperations;
  readonly children: readonly ChildProcess[];
  readonly errors: readonly unknown[];
  readonly endSession: () => void;
} {
  const children: ChildProcess[] = [];
  const { errors, helpers } = makeHelpers(start((child) => void children.push(child)));
  const { end, session } = endableSession();
  const files = helpers.of(session, ASKER, 'key', NO_SANDBOX);
  return { files, children, errors, endSession: end };
}

async function readAll(files: FileOperations, path: string): Promise<Buffer> {
  const read = files.begin(ASKER, 'readFile', {
    path,
    offset: 0n,
    length: undefined,
    ifVersion: '',
  });
  const pieces: Buffer[] = [];
  for (let step = await read.next(); !step.done; step = await read.next()) {
    if (step.piece?.kind === 'data') pieces.push(Buffer.from(step.piece.bytes));
  }
  read.close();
  return Buffer.concat(pieces);
}

const UPLOAD = {
  disposition: 'replace' as const,
  mode: undefined,
  parents: false,
  ifVersion: '',
  sha256: undefined,
  size: undefined,
  sync: false,
};

describe('a helper for files', () => {
  it('does what touches names', async () => {
    const folder = await temporaryFolder();
    const { children, errors, files } = filesOf();
    const path = join(folder, 'made/deep');
    await files.run(ASKER, 'createDirectory', { path, mode: undefined, parents: true });
    await symlink('made', join(folder, 'link'));
    const info = await files.run(ASKER, 'stat', { path: join(folder, 'link/deep'), follow: true });
    expect(info).toMatchObject({ kind: 'directory', path: join(folder, 'link/deep') });
    await files.run(ASKER, 'remove', {
      path: join(folder, 'made'),
      recursive: true,
      missingOk: false,
    });
    expect(await readdir(folder)).toEqual(['link']);
    expect([children.length, errors]).toEqual([1, []]);
  });

  it('tells why something failed as a thread does', async () => {
    const folder = await temporaryFolder();
    const { files } = filesOf();
    const stat = files.run(ASKER, 'stat', { path: join(folder, 'none'), follow: true });
    await expect(stat).rejects.toMatchObject({
      reason: 'FILE_NOT_FOUND',
      details: { fileFailure: { errnoName: 'ENOENT', path: join(folder, 'none') } },
    });
  });

  it('opens what threads of the server read', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    const content = Buffer.alloc(3_000_000, 'content');
    await writeFile(path, content);
    const { files } = filesOf();
    const read = await readAll(files, path);
    expect(read.includes(content.subarray(0, 100_000))).toBe(true);
    expect(read.byteLength).toBeGreaterThan(content.byteLength);
  });

  it('opens what they write, and gives it its place', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    const { files } = filesOf();
    const { session } = endableSession();
    const uploads = new Uploads().of(session as Session);
    const content = Buffer.alloc(1_000_000, 'content');
    const args = { ...UPLOAD, path, sha256: sha256Of(content) };
    const upload = uploads.open({ args, id: undefined, asker: ASKER, files, sandbox: 'key' });
    if (!(upload instanceof Upload)) throw new Error('it is over');
    const uploader = { fail() {} };
    await upload.resume(uploader);
    // What is taken is not the caller's any more.
    await upload.take(uploader, 0n, Buffer.from(content));
    await upload.written(uploader);
    expect(await readdir(folder)).toEqual([]);
    const { bytes, file } = await upload.finish(uploader);
    expect([bytes, file.size, file.path]).toEqual([1_000_000n, 1_000_000n, path]);
    expect((await readFile(path)).equals(content)).toBe(true);
  });

  it('ends with its session, and leaves nothing of what is not whole', async () => {
    const folder = await temporaryFolder();
    const { children, endSession, files } = filesOf();
    const steps = files.begin(ASKER, 'writeFile', { ...UPLOAD, path: join(folder, 'file') });
    await steps.next();
    await steps.next(Buffer.from('half'));
    const [child] = children;
    const exited = child && once(child, 'exit');
    steps.close();
    endSession();
    expect(await exited).toEqual([0, null]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('that is killed fails what was asked of it, and another takes its place', async () => {
    const folder = await temporaryFolder();
    const { children, errors, files } = filesOf();
    await files.run(ASKER, 'stat', { path: folder, follow: true });
    children[0]?.kill('SIGSTOP');
    const stat = files.run(ASKER, 'stat', { path: folder, follow: true });
    children[0]?.kill('SIGKILL');
    await expect(stat).rejects.toMatchObject({
      reason: 'SANDBOX_UNAVAILABLE',
      details: { sandboxFailure: { step: 'helper' } },
    });
    await files.run(ASKER, 'stat', { path: folder, follow: true });
    expect([children.length, errors]).toEqual([2, []]);
  });

  it('that hangs is replaced, and ended when it does so for long', async () => {
    const folder = await temporaryFolder();
    const clock = new FakeClock();
    const children: ChildProcess[] = [];
    const { helpers } = makeHelpers(
      startPlain((child) => void children.push(child)),
      clock,
    );
    const files = helpers.of(endableSession().session, ASKER, 'key', NO_SANDBOX);
    await files.run(ASKER, 'stat', { path: folder, follow: true });
    const [first] = children;
    const exited = first && once(first, 'exit');
    first?.kill('SIGSTOP');
    const hanging = files.run(ASKER, 'stat', { path: folder, follow: true });
    hanging.catch(() => {});
    clock.advance(STUCK_FILE_MS / 2);
    await files.run(ASKER, 'stat', { path: folder, follow: true });
    expect(children).toHaveLength(2);
    clock.advance(STUCK_FILE_MS);
    await expect(hanging).rejects.toMatchObject({
      reason: 'SANDBOX_UNAVAILABLE',
      details: { sandboxFailure: { step: 'helper', errnoName: 'ETIMEDOUT' } },
    });
    clock.advance(STUCK_FILE_MS);
    expect(await exited).toEqual([null, 'SIGKILL']);
  });

  it('ends some time after its last call', async () => {
    const folder = await temporaryFolder();
    const clock = new FakeClock();
    const children: ChildProcess[] = [];
    const { helpers } = makeHelpers(
      startPlain((child) => void children.push(child)),
      clock,
    );
    const files = helpers.of(endableSession().session, ASKER, 'key', NO_SANDBOX);
    await files.run(ASKER, 'stat', { path: folder, follow: true });
    clock.advance(IDLE_HELPER_MS - 1);
    await files.run(ASKER, 'stat', { path: folder, follow: true });
    const [child] = children;
    const exited = child && once(child, 'exit');
    clock.advance(IDLE_HELPER_MS - 1);
    await files.run(ASKER, 'stat', { path: folder, follow: true });
    clock.advance(IDLE_HELPER_MS + 2);
    expect(await exited).toEqual([0, null]);
    expect(children).toHaveLength(1);
  });

  it.each([
    [
      'says nothing that can be read',
      `socket.write(Buffer.from([8, 0, 0, 0, 0, 0, 0, 0, ...'notvalue'].map((c) => typeof c === 'string' ? c.charCodeAt(0) : c)))`,
    ],
    ['says too much', `socket.write(Buffer.from([0, 0, 0, 255, 0, 0, 0, 0]))`],
    ['promises a descriptor', `socket.write(Buffer.from([1, 0, 0, 0, 1, 0, 0, 0, 1]))`],
    ['answers what was not asked for', `send('ready'); send({ kind: 'done', result: {} })`],
    [
      'answers in another shape',
      `send('ready'); socket.once('data', () => send({ kind: 'done', result: { path: 7 } }))`,
    ],
    ['says nothing and ends', `process.exit(3)`],
  ])('that %s is not believed', async (_, code) => {
    const folder = await temporaryFolder();
    const program = `
      const { serialize } = require('node:v8');
      const socket = new (require('node:net').Socket)({ fd: 0 });
      const send = (value) => {
        const body = serialize(value);
        const head = Buffer.alloc(8);
        head.writeUInt32LE(body.length, 0);
        socket.write(Buffer.concat([head, body]));
      };
      setInterval(() => {}, 1000);
      ${code};`;
    const { files } = filesOf((onStart) => startProgram(['-e', program], onStart));
    const stat = files.run(ASKER, 'stat', { path: folder, follow: true });
    await expect(stat).rejects.toMatchObject({
      reason: 'SANDBOX_UNAVAILABLE',
      details: { sandboxFailure: { step: 'helper' } },
    });
  });

  it('is one of few of a caller, of which those that have nothing to do make room', async () => {
    const folder = await temporaryFolder();
    const { helpers } = makeHelpers(startPlain());
    const { session } = endableSession();
    const all = Array.from({ length: MAX_PRINCIPAL_SANDBOX_HELPERS + 1 }, (_, number) =>
      helpers.of(session, ASKER, `key ${number}`, NO_SANDBOX),
    );
    const uploads = [];
    for (const files of all.slice(0, -1)) {
      const steps = files.begin(ASKER, 'writeFile', { ...UPLOAD, path: join(folder, 'file') });
      onTestFinished(() => steps.close());
      await steps.next();
      uploads.push(steps);
    }
    const last = (): Promise<unknown> | undefined =>
      all.at(-1)?.run(ASKER, 'stat', { path: folder, follow: true });
    await expect(last()).rejects.toMatchObject({
      reason: 'LIMIT_EXCEEDED',
      details: { metadata: { limit: 'max_principal_sandbox_helpers' } },
    });
    await uploads[0]?.next('drop');
    await last();
  });

  it('reads and writes trees', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'tree/sub'), { recursive: true });
    await writeFile(join(folder, 'tree/sub/file'), 'content');
    const { files } = filesOf();
    const read = files.begin(ASKER, 'readTree', {
      path: join(folder, 'tree'),
      include: [],
      exclude: [],
    });
    const text: string[] = [];
    for (let step = await read.next(); !step.done; step = await read.next()) {
      if (step.piece !== undefined) text.push(Buffer.from(step.piece).toString('latin1'));
    }
    expect(text.join('')).toContain('content');
  });
});
