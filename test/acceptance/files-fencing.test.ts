import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it, vi } from 'vitest';
import {
  WriteDisposition,
  type WriteFileOpenSchema,
  type WriteFileRequestSchema,
} from '../../src/gen/runlet/v1/file_pb.ts';
import { attach } from '../support/attach.ts';
import { openedSince, ownDescriptors } from '../support/descriptors.ts';
import { type Failure, failureOf } from '../support/failure.ts';
import { writeRequests } from '../support/files.ts';
import { type Clients, connectClients, startHarness, temporaryFolder } from '../support/harness.ts';

type WriteInit = MessageInitShape<typeof WriteFileRequestSchema>;

const SUPERSEDED = 'ABORTED/ATTACHMENT_SUPERSEDED';

/** An upload that goes on when it is told to. */
interface Writing {
  send(request: NonNullable<WriteInit['request']>): void;
  readonly failure: Promise<Failure>;
}

function beginWriting(
  { files }: Pick<Clients, 'files'>,
  open: MessageInitShape<typeof WriteFileOpenSchema>,
): Writing {
  const queue: WriteInit[] = [{ request: { case: 'open', value: open } }];
  let wake = (): void => {};
  async function* requests(): AsyncGenerator<WriteInit> {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return {
    failure: failureOf(files.writeFile(requests())),
    send(request) {
      queue.push({ request });
      wake();
    },
  };
}

function data(offset: number, text: string): NonNullable<WriteInit['request']> {
  return { case: 'data', value: { offset: BigInt(offset), data: Buffer.from(text) } };
}

const FINISH: NonNullable<WriteInit['request']> = { case: 'finish', value: {} };

describe('files of an attachment that is taken over', () => {
  it('are written by the later one alone', async () => {
    const harness = await startHarness();
    const { files, sessionId } = harness;
    const folder = await temporaryFolder();
    const [path, other] = [join(folder, 'file'), join(folder, 'other')];
    const first = await attach(harness, sessionId);
    const uploadId = randomUUID();
    const disposition = WriteDisposition.IN_PLACE;
    const open = { sessionId, path, uploadId, disposition };
    const mine = { ...open, attachmentId: first.attachmentId };
    const writing = beginWriting(harness, mine);
    writing.send(data(0, 'of the first, '));
    const anonymous = beginWriting(harness, {
      sessionId,
      path: other,
      attachmentId: first.attachmentId,
    });
    anonymous.send(data(0, 'never seen'));
    await vi.waitFor(async () => {
      expect(await files.getUpload({ sessionId, uploadId })).toMatchObject({ acceptedOffset: 14n });
    }, 20_000);

    const clients = connectClients(harness.address);
    const second = await attach(clients, sessionId);
    writing.send(data(14, 'that is too late'));
    writing.send(FINISH);
    anonymous.send(FINISH);
    for (const { failure } of [writing, anonymous]) {
      expect((await failure).summary).toBe(SUPERSEDED);
    }
    const late = await failureOf(files.writeFile(writeRequests(mine, Buffer.from('too late'))));
    expect(late.summary).toBe(SUPERSEDED);
    const content = Buffer.from('of the first, of the second');
    const yours = { ...open, attachmentId: second.attachmentId };
    await clients.files.writeFile(writeRequests(yours, content));
    expect(await readFile(path, 'utf8')).toBe(content.toString());
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('is gone on with by a later call, and the one before is told at once', async () => {
    const harness = await startHarness();
    const { files, sessionId } = harness;
    const path = join(await temporaryFolder(), 'file');
    const open = { sessionId, path, uploadId: randomUUID() };
    const calls: Writing[] = [];
    for (let count = 0; count < 5; count++) {
      const call = beginWriting(harness, open);
      call.send(data(2 * count, `${count} `));
      await vi.waitFor(async () => {
        const { acceptedOffset } = await files.getUpload({ sessionId, uploadId: open.uploadId });
        expect(acceptedOffset).toBe(BigInt(2 * count + 2));
      }, 20_000);
      calls.push(call);
    }
    await files.abortUpload({ sessionId, uploadId: open.uploadId });
    for (const { failure } of calls) {
      expect((await failure).summary).toBe('ABORTED/UPLOAD_SUPERSEDED');
    }
  });
});

describe('a session that is closed', () => {
  it('ends every stream of files of it, and nothing of them is left', async () => {
    const harness = await startHarness();
    const { files, sessionId, sessions } = harness;
    const folder = await temporaryFolder();
    const large = join(folder, 'large');
    await writeFile(large, '');
    await truncate(large, 2 ** 30);
    const before = ownDescriptors();
    const reads = Array.from({ length: 3 }, () => files.readFile({ sessionId, path: large }));
    const iterators = reads.map((read) => read[Symbol.asyncIterator]());
    for (const iterator of iterators) await iterator.next();
    const [uploadId, left] = [randomUUID(), randomUUID()];
    const writes = [
      beginWriting(harness, { sessionId, path: join(folder, 'a') }),
      beginWriting(harness, { sessionId, path: join(folder, 'b'), uploadId }),
    ];
    for (const { send } of writes) send(data(0, 'content'));
    const cut = files.writeFile(
      writeRequests({ sessionId, path: join(folder, 'c'), uploadId: left }, randomBytes(1000), {
        finish: false,
      }),
    );
    expect((await failureOf(cut)).summary).toBe('FAILED_PRECONDITION/UPLOAD_UNFINISHED');

    await sessions.closeSession({ sessionId });
    const toEnd = async (iterator: AsyncIterator<unknown>): Promise<void> => {
      while (!(await iterator.next()).done);
    };
    const failures = [
      ...iterators.map((iterator) => failureOf(toEnd(iterator))),
      ...writes.map(({ failure }) => failure),
    ];
    for (const { summary } of await Promise.all(failures)) {
      expect(summary).toBe('NOT_FOUND/SESSION_CLOSED');
    }
    expect(await readdir(folder)).toEqual(['large']);
    await vi.waitFor(() => {
      expect(openedSince(before).filter((descriptor) => descriptor.includes(folder))).toEqual([]);
    }, 20_000);
  });
});
