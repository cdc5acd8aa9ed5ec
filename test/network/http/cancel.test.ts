import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Latch } from '../../../src/latch.ts';
import { blackHole } from '../../support/black-hole.ts';
import { failureOf } from '../../support/failure.ts';
import { startHarness } from '../../support/harness.ts';
import { httpCall, wholeAnswer } from '../../support/http-request.ts';
import { startUpstream } from '../../support/http-upstream.ts';
import { startHttp2Upstream } from '../../support/http2-upstream.ts';
import { trustedAuthority } from '../../support/https-upstream.ts';
import { settle } from '../../support/settle.ts';
import { synSent } from '../../support/syn-sent.ts';

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
    const cancelled = new AbortController();
    const { signal } = cancelled;
    const url = `http://name.example.test:${upstream.port}`;
    const failed = failureOf(wholeAnswer(httpCall(harness, { url }, [], { signal })));
    await expect.poll(() => asked).toEqual(['name.example.test']);
    cancelled.abort();
    // Though the lookup hangs on.
    expect((await failed).summary).toMatch(/^CANCELLED/);
    found.open();
    await settle();
    // Another that came later finds what it looked up, alone.
    const later = new AbortController();
    const second = failureOf(wholeAnswer(httpCall(harness, { url }, [], { signal: later.signal })));
    await upstream.connected(1);
    expect(upstream.connections).toHaveLength(1);
    later.abort();
    await second;
  });

  it('takes back a connection that nobody answers', async () => {
    const harness = await startHarness();
    const port = await blackHole();
    const cancelled = new AbortController();
    const { signal } = cancelled;
    const url = `http://127.0.0.1:${port}`;
    const failed = failureOf(wholeAnswer(httpCall(harness, { url }, [], { signal })));
    await expect.poll(() => synSent(port)).toBe(1);
    cancelled.abort();
    await failed;
    await expect.poll(() => synSent(port)).toBe(0);
  });

  it('ends a connection over which TLS is not agreed on', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(() => {});
    const cancelled = new AbortController();
    const { signal } = cancelled;
    const url = `https://127.0.0.1:${upstream.port}`;
    const failed = failureOf(wholeAnswer(httpCall(harness, { url }, [], { signal })));
    const { over, received, socket } = await upstream.connected(1);
    if (received() === '') await once(socket, 'data');
    cancelled.abort();
    await failed;
    await over;
  });

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
      const cancelled = new AbortController();
      const { signal } = cancelled;
      async function* pieces(): AsyncGenerator<string> {
        yield 'some';
        if (phase === 'request') await new Latch().wait(signal);
      }
      const url = upstream.origin;
      const call = httpCall(harness, { method: 'POST', url }, pieces(), { signal });
      const read = async (): Promise<void> => {
        for await (const { response } of call) if (response.case === 'body') cancelled.abort();
      };
      const failed = failureOf(read());
      await expect.poll(() => upstream.asked).toHaveLength(1);
      if (phase !== 'body') cancelled.abort();
      await failed;
      await expect.poll(() => upstream.asked[0]?.stream.closed).toBe(true);
      expect(upstream.asked[0]?.stream.rstCode).toBe(8);
      expect(upstream.sessions[0]?.closed).toBe(false);
    },
  );
});
