import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { GapRange, ProcessEvent, RemoteSession } from '../../src/client/index.ts';
import { connectTo, QUICK } from '../support/client.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { awaitRelease, PATH, release } from '../support/shell.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const MIB = 1024 * 1024;
const env = { PATH };

interface Rig {
  readonly harness: Harness;
  readonly proxy: TcpProxy;
  readonly session: RemoteSession;
}

/** A session over a connection that can be cut. */
async function startRig(): Promise<Rig> {
  const harness = await startHarness();
  const proxy = await startProxy(harness.address);
  const session = await connectTo(proxy.address, QUICK).session();
  return { harness, proxy, session };
}

/** Cuts the connection, and lets none through until `meanwhile` is over. */
async function whileAway(
  { proxy, session }: Pick<Rig, 'proxy' | 'session'>,
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  proxy.admit(false);
  proxy.cut();
  await expect.poll(() => session.connected).toBe(false);
  await meanwhile();
  proxy.admit(true);
}

describe('a client that lost its connection', () => {
  it('gives what was written meanwhile to the read that waits, numbers contiguous', async () => {
    const rig = await startRig();
    const argv = [
      '/bin/sh',
      '-c',
      `printf one; ${awaitRelease('go')}; printf two; ${awaitRelease('on')}`,
    ];
    const process = await rig.session.start({ argv, env });
    const events = process.events();
    const seen: ProcessEvent[] = [];
    const next = async (): Promise<ProcessEvent> => {
      const { value } = await events.next();
      seen.push(value as ProcessEvent);
      return value as ProcessEvent;
    };
    while ((await next()).kind !== 'output');
    const pending = next();
    await whileAway(rig, async () => {
      await release(rig.harness, 'go');
      const { processes } = rig.harness;
      const target = { sessionId: rig.session.id, processId: process.id };
      // It was written before the client is back.
      const written = await processes.readProcess({
        ...target,
        afterSeq: 2n,
        wait: { seconds: 60n, nanos: 0 },
      });
      expect(written.events.length).toBe(1);
    });
    expect(await pending).toMatchObject({ kind: 'output', data: Buffer.from('two') });
    await release(rig.harness, 'on');
    while ((await next()).kind !== 'closed');
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, i) => i + 1));
  });

  it('writes what it was writing once, though the answer was lost', async () => {
    const rig = await startRig();
    const argv = ['/bin/sh', '-c', `${awaitRelease('go')}; sha256sum`];
    const process = await rig.session.start({ argv, env, stdin: 'pipe' });
    // More than the pipe takes: the write waits for the process to read.
    const data = Buffer.alloc(3 * MIB, 'abcdefg');
    process.stdin.end(data);
    await whileAway(rig, () => release(rig.harness, 'go'));
    const expected = createHash('sha256').update(data).digest('hex');
    expect(await text(process.stdout)).toBe(`${expected}  -\n`);
  });

  it('starts what it was asked to start meanwhile, once', async () => {
    const rig = await startRig();
    let started: Promise<readonly string[]> | undefined;
    await whileAway(rig, async () => {
      started = Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const process = await rig.session.start({ argv: ['echo', String(i)], env });
          return text(process.stdout);
        }),
      );
    });
    expect(await started).toEqual(Array.from({ length: 20 }, (_, i) => `${i}\n`));
    expect(await rig.session.processes()).toHaveLength(20);
  });

  it('knows of ends that came meanwhile', async () => {
    const rig = await startRig();
    const argv = ['/bin/sh', '-c', `${awaitRelease('go')}; exit 9`];
    const process = await rig.session.start({ argv, env });
    const { closed } = process;
    await whileAway(rig, async () => {
      await release(rig.harness, 'go');
      await rig.harness.processes.waitProcess({
        sessionId: rig.session.id,
        processId: process.id,
      });
    });
    expect(await closed).toMatchObject({ code: 9, reason: 'exited' });
  });

  it('says that a process was evicted meanwhile', async () => {
    const rig = await startRig();
    const argv = ['/bin/sh', '-c', awaitRelease('go')];
    const process = await rig.session.start({ argv, env, retentionMs: 0 });
    const { closed } = process;
    await whileAway(rig, async () => {
      await release(rig.harness, 'go');
      const target = { sessionId: rig.session.id, processId: process.id };
      const gone = (): Promise<boolean> =>
        rig.harness.processes.getProcess(target).then(
          () => false,
          () => true,
        );
      await expect.poll(gone).toBe(true);
    });
    await expect(closed).rejects.toMatchObject({ reason: 'PROCESS_EVICTED' });
    await expect(text(process.stdout ?? [])).rejects.toMatchObject({ reason: 'PROCESS_EVICTED' });
  });

  it.each([1 * MIB, 200 * MIB])(
    'reads all %i bytes that were written meanwhile, where they are retained',
    async (bytes) => {
      const { gaps, hash, received } = await readWrittenMeanwhile(bytes, bytes + MIB);
      expect(gaps).toEqual([]);
      expect(received).toBe(bytes);
      expect(hash).toBe(hashOfZeros(bytes));
    },
  );

  it('is told of the exact gap where they are not, and the process goes on', async () => {
    const bytes = 200 * MIB;
    const { gaps, order, received } = await readWrittenMeanwhile(bytes, 16 * MIB);
    // Another event may lie between two runs of what was dropped.
    let missing = 0;
    for (const { length, offset, stream } of gaps) {
      expect({ stream, offset }).toEqual({ stream: 'stdout', offset: missing });
      missing += length;
    }
    expect(missing + received).toBe(bytes);
    expect(received).toBeGreaterThan(8 * MIB);
    // At its place: before what came after it.
    expect(order[0]).toBe('gap');
  });
});

function hashOfZeros(bytes: number): string {
  const hash = createHash('sha256');
  const block = Buffer.alloc(MIB);
  for (let rest = bytes; rest > 0; rest -= MIB) hash.update(block);
  return hash.digest('hex');
}

/** What is read of a process that wrote while the client was away. */
async function readWrittenMeanwhile(
  bytes: number,
  retainedBytes: number,
): Promise<{
  readonly gaps: readonly GapRange[];
  readonly order: readonly string[];
  readonly received: number;
  readonly hash: string;
}> {
  const served = await serve();
  const proxy = await startProxy(served.address);
  const session = await connectTo(proxy.address, QUICK).session();
  const argv = ['/bin/sh', '-c', `read line; head -c ${bytes} /dev/zero`];
  const process = await session.start({ argv, env, stdin: 'pipe', retainedBytes });
  const order: string[] = [];
  process.stdout.on('gap', () => order.push('gap'));
  const hash = createHash('sha256');
  let received = 0;
  const reading = (async () => {
    for await (const chunk of process.stdout as AsyncIterable<Buffer>) {
      if (received === 0) order.push('data');
      received += chunk.byteLength;
      hash.update(chunk);
    }
  })();
  await whileAway({ proxy, session }, async () => {
    // Somebody else lets it go on, and waits until all of it is written.
    const other = await connectTo(served.address).session({ id: session.id, ifAttached: 'share' });
    const same = await other.process(process.id);
    same.stdin?.end('go\n');
    expect(await same.closed).toMatchObject({ totals: { stdout: bytes }, outputComplete: true });
  });
  await reading;
  expect(await process.closed).toMatchObject({ code: 0, reason: 'exited' });
  expect(process.gaps).toEqual(process.stdout.gaps);
  return { gaps: process.gaps, order, received, hash: hash.digest('hex') };
}
