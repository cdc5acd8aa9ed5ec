import { describe, expect, it } from 'vitest';
import { Latch } from '../../../src/latch.ts';
import { MAX_SESSION_HTTP_REQUESTS } from '../../../src/limits.ts';
import { blackHole } from '../../support/black-hole.ts';
import { failureOf } from '../../support/failure.ts';
import { connectClients, type Harness, startHarness } from '../../support/harness.ts';
import { httpCall, httpFailure, wholeAnswer } from '../../support/http-request.ts';
import { startUpstream } from '../../support/http-upstream.ts';
import { startHttp2Upstream } from '../../support/http2-upstream.ts';
import { trustedAuthority } from '../../support/https-upstream.ts';
import { synSent } from '../../support/syn-sent.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const SHORTLY = { seconds: 0n, nanos: 300_000_000 };

async function newSession({ sessions }: Pick<Harness, 'sessions'>): Promise<string> {
  const { session } = await sessions.createSession({});
  return session?.sessionId ?? '';
}

describe('the time for a connection', () => {
  it('is over where nobody answers, and nothing is left of it', async () => {
    const harness = await startHarness();
    const port = await blackHole();
    const call = httpCall(harness, { url: `http://127.0.0.1:${port}`, connectTimeout: SHORTLY });
    expect(await httpFailure(call)).toBe('HTTP_FAILED TIMEOUT CONNECT');
    await expect.poll(() => synSent(port)).toBe(0);
  });

  it('is over where TLS is not agreed on', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(() => {});
    const url = `https://127.0.0.1:${upstream.port}`;
    const call = httpCall(harness, { url, connectTimeout: SHORTLY });
    expect(await httpFailure(call)).toBe('HTTP_FAILED TIMEOUT CONNECT');
    await (await upstream.connected(1)).over;
  });

  it('is over while a name is looked up', async () => {
    const found = new Latch();
    const harness = await startHarness({
      async lookup() {
        await found.wait();
        return ['127.0.0.1'];
      },
    });
    const call = httpCall(harness, { url: 'http://api.example.test', connectTimeout: SHORTLY });
    expect(await httpFailure(call)).toBe('HTTP_FAILED TIMEOUT CONNECT');
    found.open();
  });
});

describe('a connection that is reset while the request is sent', () => {
  it('fails at the request over HTTP/1.1', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('some');
      socket.resetAndDestroy();
    });
    const over = new Latch();
    async function* pieces(): AsyncGenerator<string> {
      yield 'some';
      await over.wait();
    }
    const call = httpCall(harness, { method: 'PUT', url: upstream.origin }, pieces());
    expect(await httpFailure(call)).toBe('HTTP_FAILED REQUEST ECONNRESET');
    expect(upstream.connections).toHaveLength(1);
    over.open();
  });
});

describe('the connections of a session', () => {
  it('are its own, are used again, and end with it', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(({ socket }) => {
      socket.on('data', () => socket.write(OK));
    });
    const url = upstream.origin;
    const { connection, sessions } = harness;
    const second = await newSession(harness);
    const ask = (sessionId: string) => wholeAnswer(httpCall({ connection, sessionId }, { url }));
    await ask(harness.sessionId);
    await ask(second);
    expect(upstream.connections).toHaveLength(2);
    await ask(harness.sessionId);
    expect(upstream.connections).toHaveLength(2);
    // By its end, and not because nothing was asked for long: the other one's goes on.
    await sessions.closeSession({ sessionId: harness.sessionId });
    await upstream.connections[0]?.over;
  });

  it.each(['1.1', '2'])(
    'end with it while something is under way over HTTP/%s',
    async (version) => {
      const { httpTrust, ...authority } = await trustedAuthority();
      const harness = await startHarness({ httpTrust });
      const old = await startUpstream(async ({ has }) => has('\r\n\r\n'));
      const ended = new Latch();
      const recent = await startHttp2Upstream(authority, ({ stream }) => {
        stream.session?.once('close', () => ended.open());
      });
      const url = version === '2' ? recent.origin : old.origin;
      const failed = failureOf(wholeAnswer(httpCall(harness, { url })));
      if (version === '2') await expect.poll(() => recent.asked).toHaveLength(1);
      else await (await old.connected(1)).has('\r\n\r\n');
      await harness.sessions.closeSession({ sessionId: harness.sessionId });
      expect((await failed).summary).toBe('NOT_FOUND/SESSION_CLOSED');
      if (version === '2') await ended.wait();
      else await (await old.connected(1)).over;
    },
  );
});

describe('the requests of a session', () => {
  it('are so many at one time, and others have theirs', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(() => {});
    const other = await startUpstream(({ socket }) => {
      socket.on('data', () => socket.write(OK));
    });
    const cancels: AbortController[] = [];
    const calls: Promise<unknown>[] = [];
    const { sessionId } = harness;
    // Of one connection of gRPC no more than so many go at one time.
    const connections = Array.from({ length: 4 }, () => connectClients(harness.address).connection);
    for (let at = 0; at < MAX_SESSION_HTTP_REQUESTS; at += 1) {
      const connection = connections[at % connections.length] ?? harness.connection;
      const cancelled = new AbortController();
      const { signal } = cancelled;
      const call = httpCall({ connection, sessionId }, { url: upstream.origin }, [], { signal });
      cancels.push(cancelled);
      calls.push(failureOf(wholeAnswer(call)));
    }
    await upstream.connected(MAX_SESSION_HTTP_REQUESTS);
    const beyond = await failureOf(wholeAnswer(httpCall(harness, { url: other.origin })));
    expect(beyond.summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
    expect(beyond.info?.metadata).toEqual({
      limit: 'max_session_http_requests',
      maximum: String(MAX_SESSION_HTTP_REQUESTS),
    });
    expect(other.connections).toHaveLength(0);
    const { connection } = harness;
    const second = { connection, sessionId: await newSession(harness) };
    await wholeAnswer(httpCall(second, { url: other.origin }));
    cancels[0]?.abort();
    await calls[0];
    await expect
      .poll(() =>
        wholeAnswer(httpCall(harness, { url: other.origin })).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
    for (const each of cancels) each.abort();
    await Promise.all(calls);
  });
});
