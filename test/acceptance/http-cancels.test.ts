import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Latch } from '../../src/latch.ts';
import { blackHole } from '../support/black-hole.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, type Harness, startHarness, temporaryFolder } from '../support/harness.ts';
import { type HeadInit, httpCall } from '../support/http-request.ts';
import { startUpstream } from '../support/http-upstream.ts';
import { startHttp2Upstream } from '../support/http2-upstream.ts';
import { trustedAuthority } from '../support/https-upstream.ts';
import { type Holdings, holdingsAtRest, serve } from '../support/served.ts';
import { settle } from '../support/settle.ts';
import { SOAK } from '../support/soak.ts';
import { synSent } from '../support/syn-sent.ts';

/** How many are cancelled of all phases. */
const CANCELS = SOAK ? 2_000 : 400;

/** At one time: fewer than go over one connection of HTTP/2. */
const BATCH = 50;

/** What a collector of garbage and an allocator keep for themselves, whatever was done. */
const SLACK_BYTES = 32 * 1024 * 1024;

/** Something that a request does, in the middle of which it is cancelled. */
interface Phase {
  readonly head: HeadInit;
  /** Whether its body is never whole. */
  readonly streams?: boolean;
  /** How many are in it, as the other side sees it. */
  readonly underWay: () => number;
}

/** Cancels so many requests at one time when all of them are in a phase. */
async function cancelBatch(
  clients: Pick<Harness, 'address' | 'sessionId'>,
  { head, streams = false, underWay }: Phase,
): Promise<void> {
  // Of one connection of gRPC no more than so many are taken for an attack.
  const { connection } = connectClients(clients.address);
  const { sessionId } = clients;
  async function* pieces(signal: AbortSignal): AsyncGenerator<string> {
    if (!streams) return;
    yield 'some';
    await new Latch().wait(signal);
  }
  const calls = Array.from({ length: BATCH }, () => {
    const cancelled = new AbortController();
    const { signal } = cancelled;
    const read = async (): Promise<void> => {
      for await (const _ of httpCall({ connection, sessionId }, head, pieces(signal), { signal }));
    };
    return { cancelled, failed: failureOf(read()) };
  });
  await expect.poll(underWay).toBe(BATCH);
  for (const { cancelled } of calls) cancelled.abort();
  for (const { failed } of calls) expect((await failed).summary).toMatch(/^CANCELLED/);
  await expect.poll(underWay).toBe(0);
  connection.close();
}

/** What is still open of what came to an upstream of a phase. */
async function http1Phase(answer: string, streams: boolean): Promise<Phase> {
  let underWay = 0;
  const { origin: url } = await startUpstream(async ({ has, over, socket }) => {
    await has(streams ? 'some' : '\r\n\r\n');
    underWay += 1;
    if (answer !== '') socket.write(answer);
    await over;
    underWay -= 1;
  });
  return { head: { method: 'POST', url }, streams, underWay: () => underWay };
}

async function http2Phase(
  authority: Parameters<typeof startHttp2Upstream>[0],
  answers: boolean,
  streams: boolean,
): Promise<Phase> {
  let underWay = 0;
  const { origin: url } = await startHttp2Upstream(authority, ({ stream }) => {
    underWay += 1;
    stream.once('close', () => {
      underWay -= 1;
    });
    if (!answers) return;
    stream.respond({ ':status': 200 });
    stream.write('abc');
  });
  return { head: { method: 'POST', url }, streams, underWay: () => underWay };
}

describe('requests that are cancelled by the hundred', () => {
  it('in each phase leave no socket, timer or memory behind', async () => {
    const authority = await trustedAuthority();
    const ca = join(await temporaryFolder(), 'ca.pem');
    await writeFile(ca, authority.certificate, { mode: 0o600 });
    const served = await serve('--http-ca', ca);
    const { sessions } = connectClients(served.address);
    const { session } = await sessions.createSession({});
    const clients = { address: served.address, sessionId: session?.sessionId ?? '' };
    const hole = await blackHole();
    let handshakes = 0;
    const stalled = await startUpstream(async ({ over, socket }) => {
      // The first message of TLS.
      await new Promise((resolve) => socket.once('data', resolve));
      handshakes += 1;
      await over;
      handshakes -= 1;
    });
    const phases: readonly Phase[] = [
      { head: { url: `http://127.0.0.1:${hole}` }, underWay: () => synSent(hole) },
      { head: { url: `https://127.0.0.1:${stalled.port}` }, underWay: () => handshakes },
      await http1Phase('', true),
      await http1Phase('', false),
      await http1Phase('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc', false),
      await http2Phase(authority, false, true),
      await http2Phase(authority, false, false),
      await http2Phase(authority, true, false),
    ];
    // What it had before may have been connections that could be used again, and are gone later.
    const more = ({ descriptors, resources, zombies }: Holdings): readonly string[] => [
      ...Object.keys(resources).filter(
        (kind) => (resources[kind] ?? 0) > (before.resources[kind] ?? 0),
      ),
      ...(descriptors > before.descriptors ? ['descriptors'] : []),
      ...(zombies > before.zombies ? ['zombies'] : []),
    ];
    // From here on it has what it makes once.
    for (const phase of phases) await cancelBatch(clients, phase);
    const before = await holdingsAtRest(served);
    for (let done = 0; done < CANCELS; done += phases.length * BATCH) {
      for (const phase of phases) await cancelBatch(clients, phase);
    }
    await expect.poll(async () => more(await served.holdings())).toEqual([]);
    await expect
      .poll(async () => (await served.holdings()).rss - before.rss)
      .toBeLessThan(SLACK_BYTES);
  }, 600_000);

  it('while names are looked up leave nothing behind, whatever is found then', async () => {
    const found = new Latch();
    const harness = await startHarness({
      async lookup() {
        await found.wait();
        return ['127.0.0.1'];
      },
    });
    const held = (): Readonly<Record<string, number>> => {
      const counts: Record<string, number> = {};
      for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
      return counts;
    };
    const cancelMany = async (): Promise<void> => {
      const { connection, server } = connectClients(harness.address);
      const { sessionId } = harness;
      const calls = Array.from({ length: BATCH }, (_, at) => {
        const cancelled = new AbortController();
        const head = { url: `http://name-${at}.example.test` };
        const call = httpCall({ connection, sessionId }, head, [], { signal: cancelled.signal });
        const read = async (): Promise<void> => {
          for await (const _message of call);
        };
        return { cancelled, failed: failureOf(read()) };
      });
      // What came before it was begun.
      await server.getServerInfo({});
      for (const { cancelled } of calls) cancelled.abort();
      for (const { failed } of calls) expect((await failed).summary).toMatch(/^CANCELLED/);
      connection.close();
    };
    await cancelMany();
    await settle();
    const before = held();
    // Not by a poll, whose own timer would be counted.
    const expectAsBefore = async (): Promise<void> => {
      for (let turn = 0; turn < 100_000 && !isDeepStrictEqual(held(), before); turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(held()).toEqual(before);
    };
    for (let done = 0; done < CANCELS; done += BATCH) await cancelMany();
    await expectAsBefore();
    found.open();
    await settle();
    await expectAsBefore();
  }, 600_000);
});
