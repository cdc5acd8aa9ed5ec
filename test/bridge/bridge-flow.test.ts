import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { MAX_MESSAGES_PER_TURN } from '../../src/limits.ts';
import { deferred, startEcho, textsOf } from './echo-server.ts';

/** Of so many bytes few messages are on their way at one time. */
const LARGE = 'x'.repeat(256 * 1024);

describe('a stream whose client does not read', () => {
  const TOTAL = 512;

  it('does not run ahead of it, and goes on when it reads', async () => {
    let sent = 0;
    const { client } = await startEcho({
      async *serverStream() {
        for (; sent < TOTAL; sent++) yield { text: LARGE };
      },
    });
    const responses = client.serverStream({})[Symbol.asyncIterator]();
    await responses.next();
    // Time enough to send everything, were nothing in the way.
    for (let i = 0; i < 500; i++) await client.unary({});
    expect(sent).toBeLessThan(TOTAL / 4);
    let received = 1;
    while (!(await responses.next()).done) received += 1;
    expect(received).toBe(TOTAL);
  });

  it('does not hold up another stream', async () => {
    const { client } = await startEcho({
      async *serverStream({ count }) {
        for (let i = 0; i < count; i++) yield { text: LARGE };
      },
    });
    const stalled = client.serverStream({ count: TOTAL })[Symbol.asyncIterator]();
    await stalled.next();
    expect(await textsOf(client.serverStream({ count: 64 }))).toHaveLength(64);
    await stalled.return?.();
  });

  it('ends when it leaves, though a message waits to be read', async () => {
    let sent = 0;
    const ended = deferred();
    const { client } = await startEcho({
      async *serverStream() {
        try {
          for (;;) {
            yield { text: LARGE };
            sent += 1;
          }
        } finally {
          ended.resolve();
        }
      },
    });
    const responses = client.serverStream({})[Symbol.asyncIterator]();
    await responses.next();
    for (let before = -1; before !== sent; ) {
      before = sent;
      for (let i = 0; i < 50; i++) await client.unary({});
    }
    await responses.return?.();
    await ended.promise;
  });
});

describe('requests that the server does not read', () => {
  it('are not made ahead of it', async () => {
    const TOTAL = 4096;
    const release = deferred();
    const { client } = await startEcho({
      async clientStream(requests) {
        await release.promise;
        let count = 0;
        for await (const _request of requests) count += 1;
        return { text: String(count) };
      },
    });
    let made = 0;
    async function* requests(): AsyncGenerator<{ text: string }> {
      const text = 'x'.repeat(32 * 1024);
      for (; made < TOTAL; made++) yield { text };
    }
    const response = client.clientStream(requests());
    for (let i = 0; i < 500; i++) await client.unary({});
    expect(made).toBeLessThan(TOTAL / 4);
    release.resolve();
    expect((await response).text).toBe(String(TOTAL));
  });
});

describe('requests that come all at once', () => {
  it('leave the event loop to others after a few of them', async () => {
    const TOTAL = 2_000;
    let inThisTurn = 0;
    let most = 0;
    const { path } = await startEcho({
      async clientStream(requests) {
        let count = 0;
        const turn = (): void => {
          inThisTurn = 0;
          immediate = setImmediate(turn);
        };
        let immediate = setImmediate(turn);
        for await (const _request of requests) {
          count += 1;
          inThisTurn += 1;
          most = Math.max(most, inThisTurn);
        }
        clearImmediate(immediate);
        return { text: String(count) };
      },
    });
    const session = connectHttp2('http://localhost', { createConnection: () => connect(path) });
    const call = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/runlet.test.v1.EchoService/ClientStream',
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    });
    // A message without a field is a prefix and nothing else: all of them fit into one frame.
    call.end(Buffer.alloc(5 * TOTAL));
    expect((await buffer(call)).toString()).toContain(String(TOTAL));
    session.close();
    expect(most).toBeLessThanOrEqual(2 * MAX_MESSAGES_PER_TURN);
  });
});
