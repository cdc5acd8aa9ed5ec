import { describe, expect, it } from 'vitest';
import { OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { type Clients, connectClients } from '../support/harness.ts';
import { type Served, serve } from '../support/served.ts';
import { shellSpec, type Target } from '../support/shell.ts';
import { Tally } from '../support/tally.ts';

const MIB = 1024 * 1024;
const OUTPUT_BYTES = 200 * MIB;
const RETAINED_BYTES = 16 * MIB;
const SLACK_BYTES = 50 * MIB;

/** Starts a process that writes all its output once it is told to. */
async function startWriter({ processes, sessions }: Clients): Promise<Target> {
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  const { process } = await processes.startProcess({
    sessionId,
    spec: shellSpec(`read -r go; head -c ${OUTPUT_BYTES} /dev/zero | tr '\\0' x`, {
      stdin: StdinMode.PIPE,
      output: { retainedBytes: BigInt(RETAINED_BYTES) },
    }),
  });
  return { sessionId, processId: process?.processId ?? '' };
}

/** Lets the writer write, and watches it to the end; tells what processor time that took. */
async function watchAll(
  served: Served,
  { processes }: Clients,
  target: Target,
  onResponse: () => Promise<void>,
): Promise<number> {
  const tally = new Tally();
  const { cpuMs } = await served.holdings();
  const watch = processes.watchProcess(target);
  await processes.writeStdin({ ...target, data: Buffer.from('go\n') });
  for await (const { events } of watch) {
    tally.take(events);
    await onResponse();
  }
  expect(tally.total).toBe(BigInt(OUTPUT_BYTES));
  expect(tally.received + tally.missing).toBe(BigInt(OUTPUT_BYTES));
  return (await served.holdings()).cpuMs - cpuMs;
}

describe('a watcher that stops reading', () => {
  it('costs the server no memory and another watcher no time, and gets exact gaps', async () => {
    const served = await serve();
    const clients = connectClients(served.address);
    let before = (await served.holdings()).rss;
    let peak = before;
    let responses = 0;
    const look = async (): Promise<void> => {
      if (++responses % 100 === 0) peak = Math.max(peak, (await served.holdings()).rss);
    };
    const alone = await watchAll(served, clients, await startWriter(clients), look);

    const target = await startWriter(clients);
    const slow = connectClients(served.address).processes.watchProcess(target);
    const slowWatch = slow[Symbol.asyncIterator]();
    const slowTally = new Tally();
    slowTally.take((await slowWatch.next()).value?.events ?? []);

    before = (await served.holdings()).rss;
    peak = before;
    // To its end, though the other one does not read on.
    const beside = await watchAll(served, clients, target, look);
    peak = Math.max(peak, (await served.holdings()).rss);
    expect(peak - before).toBeLessThan(RETAINED_BYTES + SLACK_BYTES);
    for (;;) {
      const { done, value } = await slowWatch.next();
      if (done) break;
      slowTally.take(value.events);
    }
    expect(slowTally.total).toBe(BigInt(OUTPUT_BYTES));
    expect(slowTally.received + slowTally.missing).toBe(BigInt(OUTPUT_BYTES));
    expect(slowTally.gaps).toBeGreaterThan(0);
    // What is retained, what was on its way when the reader stopped, and no more.
    expect(slowTally.received).toBeGreaterThanOrEqual(BigInt(RETAINED_BYTES - MIB));
    expect(slowTally.received).toBeLessThan(BigInt(RETAINED_BYTES + SLACK_BYTES));

    // As without it, before and after. How long they take depends on what else the machine does.
    const again = await watchAll(served, clients, await startWriter(clients), look);
    expect(beside / Math.max(alone, again)).toBeLessThan(3);
  }, 600_000);
});

describe('a run whose caller reads slowly', () => {
  it('is slowed down, loses nothing, and costs the server no memory', async () => {
    const served = await serve();
    const { processes } = connectClients(served.address);
    const before = (await served.holdings()).rss;
    const tally = new Tally();
    const bytes = 64 * MIB;
    const script = `head -c ${bytes} /dev/urandom | tee copy; sha256sum < copy >&2`;
    const responses = processes.run({ spec: shellSpec(script) });
    let peak = before;
    let sum = '';
    for await (const { events } of responses) {
      tally.take(events);
      for (const { event } of events) {
        if (event.case === 'output' && event.value.stream === OutputStream.STDERR) {
          sum += Buffer.from(event.value.data).toString();
        }
      }
      // Slower than the process could write, by a round trip each.
      peak = Math.max(peak, (await served.holdings()).rss);
    }
    expect(tally.received).toBe(BigInt(bytes));
    expect(tally.gaps).toBe(0);
    expect(sum).toContain(tally.digest());
    expect(peak - before).toBeLessThan(SLACK_BYTES);
  }, 600_000);
});
