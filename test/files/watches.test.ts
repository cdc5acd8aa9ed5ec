import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Watches } from '../../src/files/watch/watches.ts';
import { FileWorkers } from '../../src/files/workers/file-workers.ts';
import { threadLinks } from '../../src/files/workers/thread-link.ts';
import { kernelWatches } from '../support/descriptors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/harness.ts';
import { holdStep } from '../support/held-steps.ts';

async function watches() {
  const onError = (error: unknown): void => {
    throw error;
  };
  const workers = new FileWorkers({
    open: threadLinks({ roots: [] }),
    clock: systemClock,
    onError,
  });
  onTestFinished(() => workers.close());
  const clock = new FakeClock();
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'below'));
  const made = new Watches({ clock });
  const open = (principal: string) =>
    made.open({
      asker: { principal, asker: randomUUID() },
      path: folder,
      recursive: true,
      files: workers,
      sandbox: undefined,
    });
  return { clock, folder, open };
}

/** How many folders are watched, in how many queues. */
function counts(): readonly [queues: number, watches: number] {
  const { queues, watches: all } = kernelWatches();
  return [queues.length, all.length];
}

describe('folders that are watched', () => {
  it('leave no timer and no watch when that is closed', async () => {
    const before = counts();
    const { clock, folder, open } = await watches();
    const { close, watch } = open('ada');
    const messages = watch.messages();
    expect((await messages.next()).value).toEqual({ kind: 'started' });
    const next = messages.next();
    // It waits for what happens.
    await expect.poll(() => clock.pending).toBe(1);
    expect(counts()).toEqual([before[0] + 1, before[1] + 2]);
    await writeFile(join(folder, 'file'), '');
    expect((await next).value).toMatchObject({ kind: 'changes' });
    const last = messages.next();
    await expect.poll(() => clock.pending).toBe(1);
    close();
    expect((await last).done).toBe(true);
    expect(clock.pending).toBe(0);
    expect(counts()).toEqual(before);
  });

  it('are not taken for those of another who comes when one is gone that had just begun', async () => {
    const before = counts();
    const others = kernelWatches().queues;
    const { clock, folder, open } = await watches();
    const held = holdStep(({ kind }) => kind === 'begin');
    const gone = open('ada');
    const never = gone.watch.messages().next();
    await held.asked;
    const [queue] = kernelWatches().queues.filter((one) => !others.includes(one));
    gone.close();
    // Whatever is opened next may have the number of what is closed.
    const { close, watch } = open('ben');
    const messages = watch.messages();
    const started = messages.next();
    held.release();
    expect((await started).value).toEqual({ kind: 'started' });
    await never;
    const { queues } = kernelWatches();
    // That of the one who is gone was free only after its thread was done with it.
    expect(queues).not.toContain(queue);
    expect(counts()).toEqual([before[0] + 1, before[1] + 2]);
    await writeFile(join(folder, 'file'), '');
    const { value } = await messages.next();
    expect(value).toMatchObject({ kind: 'changes', changes: [{ kind: 'created' }] });
    close();
    expect(counts()).toEqual(before);
    expect(clock.pending).toBe(0);
  });
});
