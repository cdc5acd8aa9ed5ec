import { readdirSync, readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { workBeside } from '../support/beside.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { CAN_SERVE_AS_ORDINARY_USER, ORDINARY_USER } from '../support/ordinary-user.ts';
import { holdingsAtRest, serveAs } from '../support/served.ts';
import { type Seed, seedCorpus } from './corpus.ts';
import { type Answer, Exchange } from './exchange.ts';
import { mutated, type Sent } from './mutate.ts';
import { Random } from './random.ts';

/** How many requests, and what they come from: the same for one seed. */
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 4_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

/** Requests at a time, of callers who are let in, and of others. */
const CALLERS = 12;
const STRANGERS = 4;

const MIB = 1024 * 1024;

/** How long that may take at most, in milliseconds: each of them some, on a machine that is busy. */
const TIMEOUT_MS = 300_000 + 50 * REQUESTS;

/** How much more memory a server may have afterwards. */
const MORE_BYTES = 128 * MIB;

/** What a server never answers: nothing that it is asked for is its own fault. */
const FAULTS: readonly (number | undefined)[] = [status.INTERNAL, status.UNKNOWN, status.DATA_LOSS];

/** What it answers where a client names another hash or size than that of what it sends. */
const MISMATCH = /hash or the size/;

/** What grpc-js says of a message that is not packed as it says, which all of gRPC call INTERNAL. */
const OF_BODIES =
  /^(Received compressed message but "grpc-encoding" header was identity|Failed to decompress message)$/;

/** What a stranger may be answered of anything but health. */
const REFUSALS: readonly (number | undefined)[] = [
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
  status.RESOURCE_EXHAUSTED,
];

/** What is wrong with an answer; undefined: nothing. */
function faultOf(sent: Sent, answer: Answer, stranger: boolean): string | undefined {
  const clients = OF_BODIES.test(answer.message) || MISMATCH.test(answer.message);
  if (FAULTS.includes(answer.status) && !clients) return 'a fault';
  if (!sent.wellFormed) return undefined;
  if (stranger) {
    // Its connection is closed after some refusals; what is under way then is not answered.
    if (answer.status === undefined) return undefined;
    const health = sent.headers[':path']?.startsWith('/grpc.health.') === true;
    return health || REFUSALS.includes(answer.status) ? undefined : 'let in';
  }
  if (answer.httpStatus !== 200) return 'no answer';
  return answer.status === undefined ? 'no status' : undefined;
}

/** All processes of whose ancestors one is this. */
function childrenOf(parent: number): number {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        return [Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])];
      } catch {
        return [];
      }
    });
  return parents.filter((pid) => pid === parent).length;
}

describe('a server that is sent requests which may be wrong', () => {
  it(`answers ${REQUESTS} of them, of the seed ${SEED}, and is as it was`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    // All that its requests may do is done in there.
    const folder = await temporaryFolder();
    await chmod(folder, 0o777);
    const seeds: readonly Seed[] = seedCorpus(folder);
    const served = await serveAs(
      CAN_SERVE_AS_ORDINARY_USER ? ORDINARY_USER : undefined,
      ...['--listen', '127.0.0.1:0,health', '--allow-uid', String(process.getuid?.() ?? 0)],
      ...['--retention', '1s', '--log-level', 'error', '--file-root', folder],
    );
    const [nobody] = served.others;
    const pid = served.child.pid ?? 0;
    if (nobody === undefined) throw new Error('it listens at two');
    await workBeside(served.address).end();
    const before = await holdingsAtRest(served);
    const children = childrenOf(pid);
    const beside = workBeside(served.address);
    const faults: string[] = [];
    const statuses: Record<string, number> = {};
    let left = REQUESTS;
    const fuzz = async (worker: number): Promise<void> => {
      const random = new Random(SEED + worker);
      const stranger = worker >= CALLERS;
      const exchange = new Exchange(stranger ? nobody : served.address);
      while (left > 0) {
        left -= 1;
        const sent = mutated(seeds, random);
        const answer = await exchange.ask(sent).catch((error: Error): Answer | undefined => {
          if (sent.wellFormed) faults.push(`${error.message}: ${describeSent(sent)}`);
          return undefined;
        });
        if (answer === undefined) continue;
        const name = status[answer.status ?? -1] ?? `${answer.httpStatus} ${answer.reset}`;
        statuses[name] = (statuses[name] ?? 0) + 1;
        const fault = faultOf(sent, answer, stranger);
        if (fault !== undefined) {
          faults.push(`${fault}: ${JSON.stringify(answer)} to ${describeSent(sent)}`);
        }
        if (faults.length > 20) left = 0;
      }
      exchange.close();
    };
    await Promise.all(Array.from({ length: CALLERS + STRANGERS }, (_, worker) => fuzz(worker)));
    await beside.end();
    process.stdout.write(`${JSON.stringify(statuses)}\n`);
    expect({ SEED, faults }).toEqual({ SEED, faults: [] });
    // Something was in order, and something was not.
    expect(statuses['OK']).toBeGreaterThan(0);
    expect(statuses['INVALID_ARGUMENT']).toBeGreaterThan(0);
    expect(statuses['UNAUTHENTICATED']).toBeGreaterThan(0);
    const { sessions } = connectClients(served.address);
    for (const { sessionId } of (await sessions.listSessions({})).sessions) {
      await sessions.closeSession({ sessionId });
    }
    await expect.poll(() => childrenOf(pid)).toBeLessThanOrEqual(children);
    const descriptors = async (): Promise<number> => (await served.holdings()).descriptors;
    await expect.poll(descriptors).toBeLessThanOrEqual(before.descriptors + 2);
    const after = await holdingsAtRest(served);
    expect(after.zombies).toBe(0);
    expect(after.rss).toBeLessThan(before.rss + MORE_BYTES);
  });
});

/** Enough to send it again. */
function describeSent({ headers, pieces }: Sent): string {
  const body = Buffer.concat(pieces).toString('base64').slice(0, 2000);
  return `${JSON.stringify(headers)} ${body}`;
}
