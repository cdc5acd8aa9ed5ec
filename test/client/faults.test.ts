import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import type { RemoteSession } from '../../src/client/index.ts';
import { connectTo, QUICK } from '../support/client.ts';
import { type Fault, type FaultPlan, startFaultProxy } from '../support/fault-proxy.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

/** How often something goes wrong; less often with each other line of Node.js. */
const ROUNDS = process.env['TEST_NODE_LINE'] === undefined ? 500 : 100;

/** Clients that work at a time, each with a session of its own. */
const CLIENTS = 8;

const LINES = 200_000;
const STDIN_BYTES = 2 * 1024 * 1024;
const STARTS = 10;

const env = { PATH };

/** Half a minute; more where the machine does much else. */
const TIMEOUT_MS = 600_000;

/** Finds out soon that a connection stands still. */
const OPTIONS = {
  ...QUICK,
  // The first connections go wrong, too, how often is left to chance.
  connectTimeoutMs: TIMEOUT_MS,
  attemptTimeoutMs: 1_000,
  keepaliveMs: 100,
  keepaliveTimeoutMs: 200,
};

/** Pseudo-random numbers from 0 to less than 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What goes wrong on a connection: at any byte of its beginnings, or far in. */
function planFrom(random: () => number): FaultPlan {
  const faults: readonly Fault[] = ['cut', 'reset', 'half-close', 'late', 'stall'];
  const direction = random() < 0.5 ? 'up' : 'down';
  return {
    fault: faults[Math.floor(random() * faults.length)] ?? 'cut',
    direction,
    // Little goes up but for the input.
    afterBytes: Math.floor(2 ** (4 + random() * (direction === 'up' ? 12 : 16))),
    delayMs: Math.floor(random() * 200),
  };
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Reads large output. */
async function readMuch(session: RemoteSession): Promise<string> {
  const process = await session.start({ argv: ['seq', '1', String(LINES)], env });
  const hash = createHash('sha256');
  for await (const chunk of process.stdout) hash.update(chunk as Buffer);
  expect(await process.closed).toMatchObject({ code: 0, outputComplete: true });
  expect(process.gaps).toEqual([]);
  return hash.digest('hex');
}

/** Writes large input; returns what the process made of it and what it should be. */
async function writeMuch(session: RemoteSession): Promise<readonly [string, string]> {
  const process = await session.start({ argv: ['sha256sum'], env, stdin: 'pipe' });
  const data = randomBytes(STDIN_BYTES);
  for (let begin = 0; begin < data.byteLength; begin += 100_000) {
    process.stdin.write(data.subarray(begin, begin + 100_000));
  }
  process.stdin.end();
  await finished(process.stdin);
  let answer = '';
  for await (const chunk of process.stdout) answer += String(chunk);
  return [answer.split(' ')[0] ?? '', sha256(data)];
}

describe('clients whose connections go wrong at any byte', () => {
  it(`lose, double and hang nothing, ${ROUNDS} times`, { timeout: TIMEOUT_MS }, async () => {
    const seed = Number(process.env['TEST_SEED'] ?? randomBytes(4).readUInt32LE());
    const random = randomFrom(seed);
    // What has ended is kept for long: not all of it fits into memory.
    const harness = await startHarness({ stateFolder: await temporaryFolder() });
    const proxy = await startFaultProxy(harness.address, (faults) =>
      faults < ROUNDS ? planFrom(random) : undefined,
    );
    const expected = sha256(Array.from({ length: LINES }, (_, i) => `${i + 1}\n`).join(''));
    const file = join(harness.folder, 'started');
    const started: string[] = [];
    const startMany = async (session: RemoteSession, name: string): Promise<void> => {
      const tokens = Array.from({ length: STARTS }, (_, i) => `${name}-${i}`);
      const ends = tokens.map(async (token) => {
        const argv = ['/bin/sh', '-c', `echo ${token} >>'${file}'`];
        return (await session.start({ argv, env })).closed;
      });
      for (const { code } of await Promise.all(ends)) expect(code).toBe(0);
      started.push(...tokens);
    };
    const work = async (name: string): Promise<void> => {
      const client = connectTo(proxy.address, OPTIONS);
      const session = await client.session();
      for (let round = 0; proxy.faults() < ROUNDS; round += 1) {
        const [output, [hashed, sent]] = await Promise.all([
          readMuch(session),
          writeMuch(session),
          startMany(session, `${name}-${round}`),
        ]);
        expect(output).toBe(expected);
        expect(hashed).toBe(sent);
      }
      await session.close();
    };
    try {
      await Promise.all(Array.from({ length: CLIENTS }, (_, i) => work(String(i))));
    } catch (error) {
      throw new Error(`with TEST_SEED=${seed}, after ${proxy.faults()} faults`, { cause: error });
    }
    // Each counted itself.
    const counted = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(counted.sort()).toEqual(started.sort());
  });
});
