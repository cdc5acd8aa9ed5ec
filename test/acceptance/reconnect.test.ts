import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { attach } from '../support/attach.ts';
import { outputOf, seqsOf } from '../support/events.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { connectClients, startHarness } from '../support/harness.ts';
import { startShell } from '../support/shell.ts';
import { startProxy } from '../support/tcp-proxy.ts';

const CUTS = 200;

describe('a client whose connection is cut at any moment', () => {
  it('attaches again and reads on: every line once, in order, through 200 cuts', async () => {
    const harness = await startHarness();
    const { sessionId } = harness;
    const proxy = await startProxy(harness.address);
    const target = await startShell(
      harness,
      'i=0; while [ ! -e stop ]; do i=$((i+1)); echo $i; sleep 0.01; done',
    );
    const received: ProcessEvent[] = [];
    /** Reads on, on a connection of its own, until that is cut; or to the end. */
    const readOn = async (): Promise<boolean> => {
      const client = connectClients(proxy.address);
      try {
        const { attachmentId } = await attach(client, sessionId);
        const afterSeq = received.at(-1)?.seq ?? 0n;
        const watch = client.processes.watchProcess({ ...target, attachmentId, afterSeq });
        for await (const { events } of watch) received.push(...events);
        return true;
      } catch {
        return false;
      } finally {
        client.connection.close();
      }
    };
    for (let cut = 0; cut < CUTS; cut++) {
      const reading = readOn();
      // Before the connection is made, while it attaches, between events, amid one.
      await sleep(Math.random() * 30);
      proxy.cut();
      // Where there was no connection to cut yet, the next cut finds it.
      while (!(await Promise.race([reading.then(() => true), sleep(5, false)]))) proxy.cut();
    }
    await startShell(harness, 'touch stop');
    while (!(await readOn()));
    const lines = outputOf(received).toString().trimEnd().split('\n').map(Number);
    expect(lines).toEqual(Array.from({ length: lines.length }, (_, i) => i + 1));
    const seqs = seqsOf(received);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => i + 1));
    expect(received.at(-1)?.event.case).toBe('closed');
  });
});

describe('a session whose client is on a connection that is dead', () => {
  it('is taken over at once: not when the read that is under way on it is over', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock });
    const { sessionId } = harness;
    const target = await startShell(harness, 'exec sleep 1000');
    const proxy = await startProxy(harness.address);
    const dead = connectClients(proxy.address);
    const before = clock.pending;
    const first = await attach(dead, sessionId);
    const { attachmentId } = first;
    const wait = { seconds: 30n, nanos: 0 };
    // With that of the next heartbeat.
    const timers = before + 1;
    await expect.poll(() => clock.pending).toBe(timers);
    const read = dead.processes.readProcess({ ...target, attachmentId, afterSeq: 1n, wait });
    // Nothing will be heard of it: the connection stays open, and carries nothing.
    read.catch(() => {});
    await expect.poll(() => clock.pending).toBe(timers + 1);
    proxy.freeze();
    const second = await attach(harness, sessionId);
    // The wait of the read was given up, on a clock that stands still.
    await expect.poll(() => clock.pending).toBe(timers);
    await harness.processes.getProcess({ ...target, attachmentId: second.attachmentId });
  });
});
