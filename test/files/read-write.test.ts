import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { readAll, sha256Of, writeRequests } from '../support/files.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

describe('ReadFile', () => {
  it('streams what is in a file, and its hash', async () => {
    const folder = await temporaryFolder();
    const content = randomBytes(1_000_000);
    await writeFile(join(folder, 'file'), content);
    const { files, sessionId } = await startHarness();
    const read = await readAll(files.readFile({ sessionId, path: join(folder, 'file') }));
    expect(read.content.equals(content)).toBe(true);
    expect(read.end).toMatchObject({ bytes: 1_000_000n, sha256: sha256Of(content) });
    expect(read.file).toMatchObject({ size: 1_000_000n });
  });
});

describe('WriteFile', () => {
  it('makes a file, and replaces it', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    const { files, sessionId } = await startHarness();
    for (const size of [0, 1, 70_000, 3_000_000]) {
      const content = randomBytes(size);
      const written = await files.writeFile(writeRequests({ sessionId, path }, content));
      expect(written.sha256).toEqual(sha256Of(content));
      const { file } = await files.statFile({ sessionId, path });
      expect(written.file).toEqual(file);
      expect((await readFile(path)).equals(content)).toBe(true);
    }
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('goes on with an upload', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    const { files, sessionId } = await startHarness();
    const content = randomBytes(1_000_000);
    const uploadId = randomUUID();
    const first = files.writeFile(
      writeRequests({ sessionId, path, uploadId }, content.subarray(0, 600_000), { finish: false }),
    );
    expect(await failureOf(first)).toMatchObject({
      summary: 'FAILED_PRECONDITION/UPLOAD_UNFINISHED',
    });
    expect(await readdir(folder)).toEqual([]);
    expect(await files.getUpload({ sessionId, uploadId })).toMatchObject({
      acceptedOffset: 600_000n,
      finished: false,
    });
    const gap = files.writeFile(
      writeRequests({ sessionId, path, uploadId }, content.subarray(600_001), { offset: 600_001 }),
    );
    expect(await failureOf(gap)).toMatchObject({
      summary: 'OUT_OF_RANGE/UPLOAD_OFFSET_GAP',
      info: { metadata: { accepted_offset: '600000' } },
    });
    const rest = writeRequests({ sessionId, path, uploadId }, content.subarray(500_000), {
      offset: 500_000,
    });
    const written = await files.writeFile(rest);
    expect((await readFile(path)).equals(content)).toBe(true);
    expect(await files.writeFile(writeRequests({ sessionId, path, uploadId }, content))).toEqual(
      written,
    );
    expect(await files.getUpload({ sessionId, uploadId })).toMatchObject({
      acceptedOffset: 1_000_000n,
      finished: true,
    });
  });
});
