import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ChangeKind } from '../../src/gen/runlet/v1/file_pb.ts';
import { SandboxAccess, SandboxPlace } from '../../src/gen/runlet/v1/sandbox_pb.ts';
import { failureOf } from '../support/failure.ts';
import { readAll, writeRequests } from '../support/files.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { inSandbox, sandboxOf } from '../support/sandboxed-files.ts';
import { readArchive, treeRequests } from '../support/trees.ts';

describe('a call about files in a sandbox', () => {
  it('reads and writes files, and moves trees', async () => {
    const harness = await startHarness();
    const folder = await temporaryFolder();
    const { sessionId } = harness;
    const files = inSandbox(harness.files, sandboxOf(folder));
    const content = Buffer.alloc(1_000_000, 'content');
    const path = join(folder, 'file');
    const { file } = await files.writeFile(writeRequests({ sessionId, path }, content));
    expect(file?.size).toBe(1_000_000n);
    const read = await readAll(files.readFile({ sessionId, path, offset: 10n }));
    expect(read.content.equals(content.subarray(10))).toBe(true);
    expect(read.file?.version).toBe(file?.version);
    const archive = await readArchive(files.readTree({ sessionId, path: folder }));
    await files.writeTree(treeRequests({ sessionId, path: join(folder, 'copy') }, archive));
    const copied = await readFile(join(folder, 'copy/file'));
    expect(copied.equals(content)).toBe(true);
  });

  it('watches folders', async () => {
    const harness = await startHarness();
    const folder = await temporaryFolder();
    const { sessionId } = harness;
    const files = inSandbox(harness.files, sandboxOf(folder));
    const watched = files.watchDirectory({ sessionId, path: folder, recursive: true });
    const responses = watched[Symbol.asyncIterator]();
    const { value } = await responses.next();
    expect(value?.response.case).toBe('started');
    await mkdir(join(folder, 'sub'));
    await writeFile(join(folder, 'sub/file'), '');
    const seen: string[] = [];
    while (!seen.includes(join(folder, 'sub/file'))) {
      const next = await responses.next();
      if (next.done) throw new Error('it ended');
      const { response } = next.value;
      if (response.case !== 'changes') continue;
      for (const { kind, path } of response.value.changes) {
        if (kind === ChangeKind.CREATED) seen.push(path);
      }
    }
    await responses.return?.();
  });

  it('may name its working directory, which has to be there', async () => {
    const harness = await startHarness();
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const { files, sessionId } = harness;
    const rules = [{ place: SandboxPlace.CWD, access: SandboxAccess.READ }];
    const path = join(folder, 'file');
    await files.statFile({ sessionId, path, sandbox: { rules, cwd: folder } });
    expect((await failureOf(files.statFile({ sessionId, path, sandbox: { rules } }))).summary).toBe(
      'INVALID_ARGUMENT/INVALID_REQUEST',
    );
    const gone = { rules, cwd: join(folder, 'none') };
    expect((await failureOf(files.statFile({ sessionId, path, sandbox: gone }))).summary).toBe(
      'FAILED_PRECONDITION/SANDBOX_UNAVAILABLE',
    );
  });

  it('is another than the same in another sandbox', async () => {
    const harness = await startHarness();
    const folder = await temporaryFolder();
    const { sessionId } = harness;
    await writeFile(join(folder, 'a'), '');
    const inside = inSandbox(harness.files, sandboxOf(folder));
    const move = {
      sessionId,
      path: join(folder, 'a'),
      targetPath: join(folder, 'b'),
      requestId: randomUUID(),
    };
    await inside.moveFile(move);
    await inside.moveFile(move);
    expect((await failureOf(harness.files.moveFile(move))).summary).toBe(
      'ALREADY_EXISTS/REQUEST_MISMATCH',
    );
    const open = { sessionId, path: join(folder, 'c'), uploadId: randomUUID() };
    await inside.writeFile(writeRequests(open, Buffer.from('c')));
    const outside = harness.files.writeFile(writeRequests(open, Buffer.from('c')));
    expect((await failureOf(outside)).summary).toBe('ALREADY_EXISTS/REQUEST_MISMATCH');
    expect(await readdir(folder)).toEqual(['b', 'c']);
  });
});
