import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Clients, connectClients, temporaryFolder } from '../support/harness.ts';
import { type Served, serve } from '../support/served.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** What a slow stream may cost, whatever its size: pieces, and what HTTP/2 lets each side send. */
const SLACK_BYTES = 128 * MIB;

/** Starts of each kind, a few at a time in turns, so that what else the machine does hits both. */
const ROUNDS = 25;
const STARTS = 8;

/** How often it is measured at most: what else a machine does may hit one side alone, and not each time. */
const MEASUREMENTS = 4;

/** Milliseconds that starts take, each by itself. */
async function timesOfStarts({ processes }: Clients, sessionId: string): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < STARTS; count++) {
    const from = performance.now();
    await processes.startProcess({ sessionId, spec: { argv: ['true'] } });
    times.push(performance.now() - from);
  }
  return times;
}

function percentile(times: readonly number[], part: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

async function sessionOf({ sessions }: Clients): Promise<string> {
  return (await sessions.createSession({})).session?.sessionId ?? '';
}

/** A reader that takes a piece for each 20 ms, and a writer that sends one, until they are stopped. */
function beginSlowStreams({ files }: Clients, sessionId: string, folder: string) {
  const stop = new AbortController();
  const { signal } = stop;
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  let pieces = 0;
  const reading = (async () => {
    for await (const _ of files.readFile({ sessionId, path: join(folder, 'large') }, { signal })) {
      pieces += 1;
      await pause();
    }
  })();
  async function* requests() {
    yield { request: { case: 'open' as const, value: { sessionId, path: join(folder, 'new') } } };
    const data = Buffer.alloc(256 * 1024);
    for (let offset = 0n; !signal.aborted; offset += BigInt(data.length)) {
      yield { request: { case: 'data' as const, value: { offset, data } } };
      await pause();
    }
  }
  const writing = files.writeFile(requests(), { signal });
  return {
    pieces: () => pieces,
    async end() {
      stop.abort();
      await Promise.allSettled([reading, writing]);
    },
  };
}

async function largeFile(): Promise<string> {
  const folder = await temporaryFolder();
  const handle = await open(join(folder, 'large'), 'w');
  await handle.truncate(GIB);
  await handle.close();
  return folder;
}

async function peakOf(served: Served, looks: number): Promise<number> {
  let peak = 0;
  for (let look = 0; look < looks; look++) peak = Math.max(peak, (await served.holdings()).rss);
  return peak;
}

describe('a slow reader of a large file, and a slow writer', () => {
  it('cost little memory, and delay no start', async () => {
    const served = await serve();
    const folder = await largeFile();
    const [clients, others] = [connectClients(served.address), connectClients(served.address)];
    const [sessionId, starting] = [await sessionOf(clients), await sessionOf(others)];
    // Threads and code that the first one needs.
    await clients.files.statFile({ sessionId, path: folder });
    await timesOfStarts(others, starting);
    const before = (await served.holdings()).rss;
    let peak = 0;
    const measure = async (): Promise<number> => {
      const [alone, beside]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        alone.push(...(await timesOfStarts(others, starting)));
        const streams = beginSlowStreams(clients, sessionId, folder);
        beside.push(...(await timesOfStarts(others, starting)));
        if (round % 5 === 0) peak = Math.max(peak, await peakOf(served, 10));
        expect(streams.pieces()).toBeGreaterThan(0);
        await streams.end();
      }
      return percentile(beside, 0.99) / percentile(alone, 0.99);
    };
    const ratios: number[] = [];
    do ratios.push(await measure());
    while (Math.min(...ratios) >= 1.5 && ratios.length < MEASUREMENTS);
    expect(peak - before).toBeLessThan(SLACK_BYTES);
    expect(Math.min(...ratios)).toBeLessThan(1.5);
  });
});
