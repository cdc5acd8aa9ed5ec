import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Latch } from '../../../src/latch.ts';
import { environmentProxies } from '../../../src/network/http/proxy-for.ts';
import { holdsWithin } from '../../support/beats.ts';
import { blackHole } from '../../support/black-hole.ts';
import { failureOf } from '../../support/failure.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type HeadInit, httpCall } from '../../support/http-request.ts';
import { startUpstream } from '../../support/http-upstream.ts';
import { startHttp2Upstream } from '../../support/http2-upstream.ts';
import { trustedAuthority } from '../../support/https-upstream.ts';
import { settle } from '../../support/settle.ts';
import { synSent } from '../../support/syn-sent.ts';

/** Client, server and upstream are all in this process: as many milliseconds at least. */
const BEATS = 100;

/** A request under way, with a body that is never whole where it streams. */
function begin(harness: Harness, head: HeadInit, streams = false) {
  const cancelled = new AbortController();
  const { signal } = cancelled;
  const answers = new Latch();
  async function* pieces(): AsyncGenerator<string> {
    if (!streams) return;
    yield 'some';
    await new Latch().wait(signal);
  }
  const read = async (): Promise<void> => {
    for await (const { response } of httpCall(harness, head, pieces(), { signal })) {
      if (response.case === 'body') answers.open();
    }
  };
  let over = false;
  const failed = failureOf(read()).then((failure) => {
    over = true;
    return failure;
  });
  return { cancel: () => cancelled.abort(), failed, isOver: () => over, body: answers.wait() };
}

describe('a request that is cancelled', () => {
  it('is over while its name is looked up, and nothing is made of what is found', async () => {
    const upstream = await startUpstream(() => {});
    const found = new Latch();
    const asked: string[] = [];
    const harness = await startHarness({
      async lookup(name) {
        asked.push(name);
        await found.wait();
        return ['127.0.0.1'];
      },
    });
    const url = `http://name.example.test:${upstream.port}`;
    const { cancel, failed, isOver } = begin(harness, { url });
    await expect.poll(() => asked).toEqual(['name.example.test']);
    cancel();
    // Though the lookup hangs on.
    expect(await holdsWithin(BEATS, isOver)).toBe(true);
    expect((await failed).summary).toMatch(/^CANCELLED/);
    found.open();
    await settle();
    // Another that came later finds what it looked up, alone.
    const later = begin(harness, { url });
    await upstream.connected(1);
    expect(upstream.connections).toHaveLength(1);
    later.cancel();
    await later.failed;
  });

  it('takes back a connection that nobody answers', async () => {
    const harness = await startHarness();
    const port = await blackHole();
    const { cancel, failed } = begin(harness, { url: `http://127.0.0.1:${port}` });
    await expect.poll(() => synSent(port)).toBe(1);
    cancel();
    expect(await holdsWithin(BEATS, () => synSent(port) === 0)).toBe(true);
    await failed;
  });

  it('ends a connection over which TLS is not agreed on', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(() => {});
    const { cancel, failed } = begin(harness, { url: `https://127.0.0.1:${upstream.port}` });
    const { received, socket } = await upstream.connected(1);
    if (received() === '') await once(socket, 'data');
    cancel();
    expect(await holdsWithin(BEATS, () => socket.closed)).toBe(true);
    await failed;
  });

  it('ends one to a proxy that does not answer', async () => {
    const proxy = await startUpstream(() => {});
    const httpProxies = environmentProxies({ http_proxy: proxy.origin });
    const harness = await startHarness({ httpProxies });
    const { cancel, failed } = begin(harness, { url: 'http://127.0.0.1:1/' });
    const { has, socket } = await proxy.connected(1);
    await has('\r\n\r\n');
    cancel();
    expect(await holdsWithin(BEATS, () => socket.closed)).toBe(true);
    await failed;
  });

  it.each(['request', 'header', 'body'])(
    'ends its connection of HTTP/1.1 while its %s comes',
    async (phase) => {
      const harness = await startHarness();
      const upstream = await startUpstream(async ({ has, socket }) => {
        await has('\r\n\r\n');
        if (phase === 'body') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc');
      });
      const head = { method: 'POST', url: upstream.origin };
      const { body, cancel, failed } = begin(harness, head, phase === 'request');
      const { has, socket } = await upstream.connected(1);
      await has(phase === 'request' ? 'some' : '\r\n\r\n');
      if (phase === 'body') await body;
      cancel();
      expect(await holdsWithin(BEATS, () => socket.closed)).toBe(true);
      expect((await failed).summary).toMatch(/^CANCELLED/);
    },
  );

  it.each(['request', 'header', 'body'])(
    'ends its stream of HTTP/2 while its %s comes',
    async (phase) => {
      const authority = await trustedAuthority();
      const harness = await startHarness({ httpTrust: authority.httpTrust });
      const upstream = await startHttp2Upstream(authority, ({ stream }) => {
        if (phase !== 'body') return;
        stream.respond({ ':status': 200 });
        stream.write('abc');
      });
      const head = { method: 'POST', url: upstream.origin };
      const { body, cancel, failed } = begin(harness, head, phase === 'request');
      await expect.poll(() => upstream.asked).toHaveLength(1);
      if (phase === 'body') await body;
      cancel();
      const [asked] = upstream.asked;
      expect(await holdsWithin(BEATS, () => asked?.stream.closed === true)).toBe(true);
      await failed;
      expect(asked?.stream.rstCode).toBe(8);
      expect(upstream.sessions[0]?.closed).toBe(false);
    },
  );
});
