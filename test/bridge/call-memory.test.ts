import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CallHold, CallMemory, type CallMemoryOptions } from '../../src/bridge/call-memory.ts';
import { UnaryRequestSchema } from '../gen/runlet/test/v1/echo_pb.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { deferred, startEcho } from './echo-server.ts';

const KIB = 1024;

/** Memory of which there are 100 bytes, and calls of its connections. */
function memoryOf(options: Partial<CallMemoryOptions> = {}) {
  const clock = new FakeClock();
  const memory = new CallMemory({
    maxBytes: 100,
    assuredBytes: 0,
    maxWaitMs: 1_000,
    clock,
    ...options,
  });
  const done: string[] = [];
  return {
    clock,
    /** What became of those that waited, in order. */
    done,
    connect() {
      const connection = memory.connect();
      return () => new CallHold(connection);
    },
    /** Waits for memory. */
    take(name: string, call: CallHold, bytes: number): Promise<void> {
      return call.take(bytes, true).then((taken) => {
        done.push(`${name} ${taken ? 'goes on' : 'is refused'}`);
      });
    },
  };
}

describe('the memory of calls', () => {
  it('is given to those that wait, connections in turn', async () => {
    const { connect, done, take } = memoryOf();
    const [one, other] = [connect(), connect()];
    const holder = connect()();
    const second = connect()();
    expect(holder.tryTake(50)).toBe(true);
    expect(second.tryTake(50)).toBe(true);
    const waits = [
      take('one', one(), 20),
      take('one again', one(), 20),
      take('other', other(), 20),
      take('other again', other(), 20),
    ];
    for (let given = 0; given < 4; given++) (given < 2 ? holder : second).give(20);
    await Promise.all(waits);
    expect(done).toEqual([
      'one goes on',
      'other goes on',
      'one again goes on',
      'other again goes on',
    ]);
  });

  it('goes to one connection by half at most', async () => {
    const { connect, done, take } = memoryOf();
    const call = connect();
    const [first, next] = [call(), call()];
    expect(first.tryTake(50)).toBe(true);
    expect(next.tryTake(1)).toBe(false);
    const wait = take('next', next, 10);
    expect(connect()().tryTake(50)).toBe(true);
    first.end();
    await wait;
    expect(done).toEqual(['next goes on']);
  });

  it('has some for each connection, however much others hold', () => {
    const { connect } = memoryOf({ assuredBytes: 10 });
    const hold = connect()();
    hold.hold(1_000);
    const call = connect()();
    expect(call.tryTake(10)).toBe(true);
    expect(call.tryTake(1)).toBe(false);
  });

  it('is refused to those that wait too long, who hold up nobody then', async () => {
    const { clock, connect, done, take } = memoryOf();
    const call = connect();
    const [holder, large, small] = [call(), call(), call()];
    holder.hold(40);
    const waits = [take('large', large, 50), take('small', small, 5)];
    clock.advance(1_000);
    await Promise.all(waits);
    expect(done.sort()).toEqual(['large is refused', 'small is refused']);
    expect(small.tryTake(5)).toBe(true);
  });

  it('is given back by a call that is gone, and not waited for by it', async () => {
    const { connect, done, take } = memoryOf();
    const call = connect();
    const [gone, next] = [call(), call()];
    gone.hold(50);
    const waits = [take('gone', gone, 10), take('next', next, 50)];
    gone.end();
    await Promise.all(waits);
    expect(done).toEqual(['gone is refused', 'next goes on']);
    next.end();
    expect(call().tryTake(50)).toBe(true);
  });
});

/** A connection whose answers may not be sent where `window` is 0. */
function rawConnection(path: string, window: number): ClientHttp2Session {
  const session = connectHttp2('http://localhost', {
    createConnection: () => connect(path),
    settings: { initialWindowSize: window },
  });
  onTestFinished(() => session.destroy());
  return session;
}

/** Calls a method; the call is not ended by anything but the connection. */
function call(session: ClientHttp2Session, method: string, text: string, compress = false) {
  const request = toBinary(UnaryRequestSchema, create(UnaryRequestSchema, { text }));
  const body = compress ? gzipSync(request) : request;
  const prefix = Buffer.alloc(5);
  prefix[0] = compress ? 1 : 0;
  prefix.writeUInt32BE(body.byteLength, 1);
  const stream = session.request({
    ':method': 'POST',
    ':path': `/runlet.test.v1.EchoService/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(compress ? { 'grpc-encoding': 'gzip' } : {}),
  });
  stream.on('error', () => {});
  stream.end(Buffer.concat([prefix, body]));
  return stream;
}

describe('a server of many calls', () => {
  const CALLS = 50;
  const MEMORY = { maxBytes: 256 * KIB, assuredBytes: 64 * KIB };

  it('begins no more for a connection that does not take its answers', async () => {
    let begun = 0;
    const marker = deferred();
    const { path } = await startEcho(
      {
        unary() {
          begun += 1;
          return { text: 'x'.repeat(60 * KIB) };
        },
        async *serverStream() {
          marker.resolve();
          yield { text: 'here' };
        },
      },
      MEMORY,
    );
    const session = rawConnection(path, 0);
    for (let i = 0; i < CALLS; i++) call(session, 'Unary', '');
    // What comes after them on their connection.
    call(session, 'ServerStream', '');
    await marker.promise;
    expect(begun).toBeLessThanOrEqual(3);
  });

  it('takes no more of what gzip has made small than there is memory for', async () => {
    let begun = 0;
    const { client, path } = await startEcho(
      {
        async unary({ text }, { signal }) {
          if (text === '') return { text };
          begun += 1;
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          return {};
        },
      },
      MEMORY,
    );
    const session = rawConnection(path, 65_535);
    for (let i = 0; i < CALLS; i++) call(session, 'Unary', 'x'.repeat(60 * KIB), true);
    const last = call(session, 'ServerStream', '');
    await once(last, 'response');
    // Others go on, and what was received before is decompressed by then.
    for (let i = 0; i < 20; i++) {
      const other = call(rawConnection(path, 65_535), 'Unary', '', true);
      await once(other, 'response');
    }
    await client.unary({});
    expect(begun).toBeGreaterThan(0);
    expect(begun).toBeLessThanOrEqual(3);
  });

  it.each([false, true])('takes them all in turn, compressed: %s', async (compress) => {
    const { path } = await startEcho({}, { ...MEMORY, assuredBytes: 0 });
    const session = rawConnection(path, 65_535);
    const texts = Array.from({ length: CALLS }, (_, i) => `${i}`.padEnd(60 * KIB));
    const answers = texts.map(async (text) => {
      const waiting = call(session, 'Unary', text, compress);
      const [trailers] = (await once(waiting.resume(), 'trailers')) as [Record<string, unknown>];
      return trailers['grpc-status'];
    });
    expect(await Promise.all(answers)).toEqual(texts.map(() => '0'));
  });

  it('refuses by its name what waits too long', async () => {
    const clock = new FakeClock();
    const { path } = await startEcho(
      { unary: () => new Promise(() => {}) },
      { ...MEMORY, assuredBytes: 0, clock },
    );
    const session = rawConnection(path, 65_535);
    const calls = Array.from({ length: 4 }, () => call(session, 'Unary', 'x'.repeat(60 * KIB)));
    const refused = Promise.race(calls.map((waiting) => once(waiting, 'response')));
    while (clock.pending < 2) await new Promise(setImmediate);
    clock.advance(3_600_000);
    const [headers] = (await refused) as [Record<string, unknown>];
    expect(headers['grpc-status']).toBe('8');
    expect(headers['grpc-message']).toContain('call_memory_bytes');
  });
});
