import { describe, expect, it } from 'vitest';
import { Latch } from '../../../src/latch.ts';
import { holdsWithin } from '../../support/beats.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { httpCall, httpFailure, wholeAnswer } from '../../support/http-request.ts';
import { type AskedStream, startHttp2Upstream } from '../../support/http2-upstream.ts';
import { trustedAuthority } from '../../support/https-upstream.ts';

const CANCEL = 8;

/** Client, server and upstream are all in this process: as many milliseconds at least. */
const BEATS = 100;

async function start(answer: (asked: AskedStream, index: number) => void): Promise<{
  readonly harness: Harness;
  readonly upstream: Awaited<ReturnType<typeof startHttp2Upstream>>;
}> {
  const { httpTrust, ...authority } = await trustedAuthority();
  const upstream = await startHttp2Upstream(authority, answer);
  return { harness: await startHarness({ httpTrust }), upstream };
}

describe('an answer over HTTP/2', () => {
  it.each([
    ['HEAD', { ':status': 200, 'content-length': '5', 'content-encoding': 'gzip' }],
    ['GET', { ':status': 204 }],
    ['GET', { ':status': 304, 'content-length': '5', 'content-encoding': 'gzip' }],
  ])('to %s with %o has no body', async (method, headers) => {
    const { harness, upstream } = await start(({ stream }) => {
      stream.respond({ ...headers }, { endStream: true });
    });
    const call = httpCall(harness, { method, url: upstream.origin, decompress: true });
    const answer = await wholeAnswer(call);
    expect([answer.status, answer.body.length]).toEqual([headers[':status'], 0]);
    const { ':status': _, ...expected } = headers;
    const told = answer.headers.filter((line) => line.startsWith('content-'));
    expect(told).toEqual(Object.entries(expected).map(([name, value]) => `${name}: ${value}`));
  });

  it('is the last of several heads', async () => {
    const { harness, upstream } = await start(({ stream }) => {
      stream.additionalHeaders({ ':status': 100 });
      stream.additionalHeaders({ ':status': 103, link: 'x' });
      stream.respond({ ':status': 299, 'x-last': 'yes' });
      stream.end('abc');
    });
    const answer = await wholeAnswer(httpCall(harness, { url: upstream.origin }));
    expect(answer).toMatchObject({ status: 299, body: Buffer.from('abc') });
    expect(answer.headers).toContain('x-last: yes');
    expect(answer.headers.join()).not.toContain('link');
  });

  it('may be whole while the request is not, which is ended', async () => {
    const { harness, upstream } = await start(({ stream }, index) => {
      stream.respond({ ':status': index === 0 ? 413 : 200 });
      stream.end('no!');
    });
    const never = new Latch();
    async function* pieces(): AsyncGenerator<string> {
      yield 'some';
      await never.wait();
    }
    const { origin: url } = upstream;
    const call = httpCall(harness, { method: 'POST', url }, pieces());
    expect(await wholeAnswer(call)).toMatchObject({ status: 413, body: Buffer.from('no!') });
    const [asked] = upstream.asked;
    expect(await holdsWithin(BEATS, () => asked?.stream.closed === true)).toBe(true);
    // Over the same connection, which is none the worse.
    expect(await wholeAnswer(httpCall(harness, { url }))).toMatchObject({ status: 200 });
    expect(upstream.sessions).toHaveLength(1);
    never.open();
  });

  it('is as long as was asked for, and not received beyond', async () => {
    const { harness, upstream } = await start(({ stream }, index) => {
      stream.respond({ ':status': 200 });
      if (index === 0) stream.write('0123456789');
      else stream.end('0123456789');
    });
    const { origin: url } = upstream;
    const cut = await wholeAnswer(httpCall(harness, { url, maxBodyBytes: 4n }));
    expect(cut).toMatchObject({ body: Buffer.from('0123'), truncated: true });
    const [asked] = upstream.asked;
    expect(await holdsWithin(BEATS, () => asked?.stream.closed === true)).toBe(true);
    expect(asked?.stream.rstCode).toBe(CANCEL);
    const whole = await wholeAnswer(httpCall(harness, { url, maxBodyBytes: 10n }));
    expect(whole).toMatchObject({ body: Buffer.from('0123456789'), truncated: false });
    expect(upstream.sessions).toHaveLength(1);
  });

  it.each([
    ['headerTimeout', 'HEADER'],
    ['idleTimeout', 'IDLE'],
    ['timeout', 'TOTAL'],
  ])(
    'that takes longer than its %s has its stream ended, and others go on',
    async (field, code) => {
      const { harness, upstream } = await start(({ headers, stream }) => {
        if (headers[':path'] === '/other') stream.respond({ ':status': 204 }, { endStream: true });
        else if (field === 'idleTimeout') {
          stream.respond({ ':status': 200 });
          stream.write('abc');
        }
      });
      const time = { seconds: 0n, nanos: 200_000_000 };
      const { origin: url } = upstream;
      const call = httpCall(harness, { url, [field]: time });
      expect(await httpFailure(call)).toBe(`HTTP_FAILED TIMEOUT ${code}`);
      const [asked] = upstream.asked;
      await expect.poll(() => asked?.stream.closed).toBe(true);
      expect(asked?.stream.rstCode).toBe(CANCEL);
      const other = await wholeAnswer(httpCall(harness, { url: `${url}/other` }));
      expect(other.status).toBe(204);
      expect(upstream.sessions).toHaveLength(1);
    },
  );
});
