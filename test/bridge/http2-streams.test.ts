import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MAX_CALLS_PER_TURN, MAX_WAITING_CALLS } from '../../src/limits.ts';
import { deferred, startEcho } from './echo-server.ts';

/** A connection below gRPC, which can ask whether all that it sent was received. */
async function connectRaw(path: string) {
  const session: ClientHttp2Session = connect('http://localhost', {
    createConnection: () => connectSocket(path),
  });
  onTestFinished(() => session.destroy());
  await once(session, 'connect');
  return {
    call(): ClientHttp2Stream {
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: '/runlet.test.v1.EchoService/Unary',
        [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
        [constants.HTTP2_HEADER_TE]: 'trailers',
      });
      stream.on('error', () => {});
      stream.resume();
      // An empty message.
      stream.end(Buffer.alloc(5));
      return stream;
    },
    received: () =>
      new Promise<void>((resolve, reject) => {
        session.ping((error) => (error === null ? resolve() : reject(error)));
      }),
  };
}

/** A server whose turns come when they are told to, and the calls that it has begun. */
async function startHeld() {
  const held: (() => void)[] = [];
  const begun = { count: 0 };
  const unary = (): { text: string } => {
    begun.count += 1;
    return { text: '' };
  };
  const { path } = await startEcho({ unary }, {}, [], (callback) => held.push(callback));
  const turn = (): void => {
    for (const callback of held.splice(0)) callback();
  };
  return { path, begun, turn };
}

describe('calls that come at once', () => {
  it('begin a few in a turn, but for those that were cancelled while they waited', async () => {
    const { begun, path, turn } = await startHeld();
    const { call, received } = await connectRaw(path);
    const calls = Array.from({ length: MAX_CALLS_PER_TURN + 10 }, call);
    await received();
    expect(begun.count).toBe(MAX_CALLS_PER_TURN);
    const [first, second] = calls.slice(-2);
    first?.close(constants.NGHTTP2_CANCEL);
    // An error that nobody would listen to.
    second?.close(constants.NGHTTP2_PROTOCOL_ERROR);
    await received();
    turn();
    await received();
    expect(begun.count).toBe(MAX_CALLS_PER_TURN + 8);
  });

  it('all begin, though nothing is read while many wait', async () => {
    const { begun, path, turn } = await startHeld();
    const { call } = await connectRaw(path);
    const count = 5 * MAX_WAITING_CALLS;
    const answers = Array.from(
      { length: count },
      () => new Promise((resolve) => call().on('end', resolve)),
    );
    let over = false;
    const turning = (async () => {
      while (!over) {
        turn();
        await new Promise(setImmediate);
      }
    })();
    await Promise.all(answers);
    over = true;
    await turning;
    expect(begun.count).toBe(count);
  });

  it('do not let that of another connection wait until all of them have begun', async () => {
    const COUNT = 400;
    let begun = 0;
    const first = deferred();
    const { client, path } = await startEcho({
      unary({ text }) {
        begun += 1;
        if (text === 'one of many') first.resolve();
        return { text };
      },
    });
    const other = await connectRaw(path);
    await client.unary({});
    const calls = Array.from({ length: COUNT }, () => client.unary({ text: 'one of many' }));
    await first.promise;
    await new Promise((resolve) => other.call().on('end', resolve));
    expect(begun).toBeLessThan(COUNT / 2);
    await Promise.all(calls);
  });
});
