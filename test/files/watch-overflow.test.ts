import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeEvents } from '../../src/files/watch/inotify-events.ts';
import { IN_Q_OVERFLOW } from '../../src/files/watch/inotify-mask.ts';
import { ChangeKind } from '../../src/gen/runlet/v1/file_pb.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

describe('a watch that cannot keep up', () => {
  it('says that changes were missed, and goes on from there', async () => {
    const folder = await temporaryFolder();
    const { files, sessionId } = await startHarness();
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const request = { sessionId, path: folder };
    const stream = files.watchDirectory(request, { signal: stop.signal });
    const messages = stream[Symbol.asyncIterator]();
    await messages.next();
    // More than the system keeps for a reader (fs.inotify.max_queued_events), before the server,
    // which is in this process, can read any.
    const file = join(folder, 'file');
    for (let count = 0; count < 10_000; count++) {
      writeFileSync(file, 'x');
      rmSync(file);
    }
    // What happens before an overflow is told may be among what was missed, again and again.
    let overflows = 0;
    for (;;) {
      const { response } = (await messages.next()).value;
      if (response.case === 'overflow') mkdirSync(join(folder, `after-${++overflows}`));
      const changes = response.case === 'changes' ? response.value.changes : [];
      const last = join(folder, `after-${overflows}`);
      const told = changes.filter(({ path }: { path: string }) => path === last);
      if (told.length === 0) continue;
      expect(told).toMatchObject([{ kind: ChangeKind.CREATED }]);
      return;
    }
  });

  it('knows the event by which the system says so', () => {
    const bytes = Buffer.alloc(16);
    bytes.writeInt32LE(-1, 0);
    bytes.writeUInt32LE(IN_Q_OVERFLOW, 4);
    expect(decodeEvents(bytes)).toEqual([{ watch: -1, mask: IN_Q_OVERFLOW, cookie: 0, name: '' }]);
  });
});
