import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { connectivityState } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { Address } from '../../src/address.ts';
import type { CallOptions } from '../../src/bridge/types.ts';
import { RunletError } from '../../src/errors.ts';
import { anybodyAuthenticator } from '../../src/identity/anybody.ts';
import type { Authenticator, Identity } from '../../src/identity/authenticator.ts';
import { ANYBODY } from '../../src/identity/principal.ts';
import { MAX_REFUSED_CALLS, MAX_UNKNOWN_CALLS } from '../../src/limits.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import {
  ACK,
  callHeaders,
  connectRaw,
  connectSocket,
  END_HEADERS,
  END_STREAM,
  FRAME,
  type Frame,
  frame,
  message,
  number32,
  type RawConnection,
} from '../support/raw-http2.ts';

const INFO = '/runlet.v1.ServerService/GetServerInfo';
const CHECK = '/grpc.health.v1.Health/Check';
const WATCH = '/grpc.health.v1.Health/Watch';

type Headers = readonly (readonly [string, string])[];

/** Begins a call, of which nothing but the headers is sent. */
const begin = (stream: number, path: string, more: Headers = []): Buffer =>
  frame(FRAME.headers, { flags: END_HEADERS, stream, payload: callHeaders(path, more) });

/** An empty message, and the end of what is asked. */
const ask = (stream: number): Buffer =>
  frame(FRAME.data, { flags: END_STREAM, stream, payload: message(Buffer.alloc(0)) });

/** Takes it back. */
const cancel = (stream: number): Buffer =>
  frame(FRAME.reset, { stream, payload: number32(constants.NGHTTP2_CANCEL) });

/** Frames of a type that came for a stream. */
const framesOf = ({ frames }: RawConnection, type: number, stream: number): readonly Frame[] =>
  frames.filter((each) => each.type === type && each.stream === stream);

/** A server that lets in whoever an authenticator says. */
async function serveWith(...auth: readonly Authenticator[]) {
  const address: Address = { kind: 'unix', path: join(await temporaryFolder(), 'runlet.sock') };
  return { ...(await serveHere({ listeners: [{ address, auth }] })), address };
}

/** An authenticator that is told later whom to let in. */
function slow() {
  const asked: ((identity: Identity | Error) => void)[] = [];
  const authenticator: Authenticator = {
    ...anybodyAuthenticator(),
    identify: () =>
      new Promise((resolve, reject) => {
        asked.push((found) => (found instanceof Error ? reject(found) : resolve(found)));
      }),
  };
  return { authenticator, asked };
}

describe('a call whose caller is not let in', () => {
  it('is answered when its headers are there, and nothing of its body is read', async () => {
    const { address, log } = await serveWith();
    const raw = await connectRaw(address);
    await raw.write(begin(1, INFO), begin(3, '/runlet.v1.ProcessService/StreamStdin'));
    for (const stream of [1, 3]) {
      await expect.poll(() => framesOf(raw, FRAME.headers, stream).length).toBe(1);
      await expect.poll(() => framesOf(raw, FRAME.reset, stream).length).toBe(1);
      const [headers] = framesOf(raw, FRAME.headers, stream);
      expect((headers?.flags ?? 0) & END_STREAM).toBe(END_STREAM);
    }
    const refused = log.filter((line) => /"code":"UNAUTHENTICATED"/.test(line));
    expect(refused.map((line) => JSON.parse(line).method)).toEqual([
      INFO,
      '/runlet.v1.ProcessService/StreamStdin',
    ]);
  });

  it('ends with UNAUTHENTICATED, however long its body is, of which little is taken', async () => {
    const { address } = await serveWith();
    const raw = await connectRaw(address);
    const piece = frame(FRAME.data, { stream: 1, payload: Buffer.alloc(16_000) });
    await raw.write(begin(1, '/runlet.v1.ProcessService/WriteStdin'));
    await raw.write(piece, piece, piece);
    await expect.poll(() => framesOf(raw, FRAME.headers, 1).length).toBe(1);
    // The client may send no more than HTTP/2 lets it send unasked.
    expect(framesOf(raw, FRAME.window, 1)).toEqual([]);
    const { sessions } = connectClients(address);
    const labels = { long: 'x'.repeat(4 * 1024 * 1024) };
    const { summary } = await failureOf(sessions.createSession({ labels }));
    expect(summary).toBe('UNAUTHENTICATED/UNAUTHENTICATED');
  });

  it('ends with UNAUTHENTICATED for a client of gRPC, and the next is asked anew', async () => {
    let known = false;
    const late: Authenticator = {
      ...anybodyAuthenticator(),
      identify: () => (known ? { principal: ANYBODY, holds: () => true } : undefined),
    };
    const { address } = await serveWith(late);
    const { server } = connectClients(address);
    const { summary } = await failureOf(server.getServerInfo({}));
    expect(summary).toBe('UNAUTHENTICATED/UNAUTHENTICATED');
    known = true;
    expect((await server.getServerInfo({})).version).not.toBe('');
  });
});

describe('a call of which it takes time to know who makes it', () => {
  it('waits with its body, is asked for once, and goes on', async () => {
    const { asked, authenticator } = slow();
    const { address } = await serveWith(authenticator);
    const { sessions } = connectClients(address);
    const created = sessions.createSession({ labels: { long: 'x'.repeat(1000) } });
    await expect.poll(() => asked.length).toBe(1);
    asked[0]?.({ principal: ANYBODY, holds: () => true });
    expect((await created).session?.labels['long']).toHaveLength(1000);
    expect(asked).toHaveLength(1);
  });

  it('takes no more of its body than HTTP/2 lets a client send unasked', async () => {
    const { asked, authenticator } = slow();
    const { address } = await serveWith(authenticator);
    const raw = await connectRaw(address);
    const piece = frame(FRAME.data, { stream: 1, payload: Buffer.alloc(16_000) });
    await raw.write(begin(1, INFO), piece, piece, piece);
    await expect.poll(() => asked.length).toBe(1);
    for (let i = 0; i < 20; i++) await setImmediate();
    expect(framesOf(raw, FRAME.window, 1)).toEqual([]);
    asked[0]?.(new RunletError('UNAUTHENTICATED'));
    await expect.poll(() => framesOf(raw, FRAME.headers, 1).length).toBe(1);
  });

  it('is nobody’s any more where the connection has gone meanwhile', async () => {
    const { asked, authenticator } = slow();
    const { address } = await serveWith(authenticator);
    for (const outcome of [{ principal: ANYBODY, holds: () => true }, new Error('late')]) {
      const before = asked.length;
      const raw = await connectRaw(address);
      await raw.write(begin(1, INFO), ask(1));
      await expect.poll(() => asked.length).toBe(before + 1);
      raw.socket.destroy();
      await raw.gone();
      for (let i = 0; i < 20; i++) await setImmediate();
      asked[before]?.(outcome);
    }
    const { server } = connectClients(address);
    const info = server.getServerInfo({});
    await expect.poll(() => asked.length).toBe(3);
    asked[2]?.({ principal: ANYBODY, holds: () => true });
    expect((await info).version).not.toBe('');
  });
});

describe('a call that is cancelled while it is found out who makes it', () => {
  it('is nobody’s any more, and others of its connection go on', async () => {
    const { asked, authenticator } = slow();
    const { address } = await serveWith(authenticator);
    const { server, sessions } = connectClients(address);
    const canceller = new AbortController();
    const cancelled = failureOf(sessions.createSession({}, { signal: canceller.signal }));
    await expect.poll(() => asked.length).toBe(1);
    const other = server.getServerInfo({});
    await expect.poll(() => asked.length).toBe(2);
    canceller.abort();
    expect((await cancelled).summary).toMatch(/^CANCELLED/);
    asked[1]?.({ principal: ANYBODY, holds: () => true });
    expect((await other).version).not.toBe('');
    // It was let in too late, and has made nothing.
    asked[0]?.({ principal: ANYBODY, holds: () => true });
    const listed = sessions.listSessions({});
    await expect.poll(() => asked.length).toBe(3);
    asked[2]?.({ principal: ANYBODY, holds: () => true });
    expect((await listed).sessions).toEqual([]);
  });

  it('leaves room: as many as a connection may have can come again', async () => {
    const { asked, authenticator } = slow();
    const { address } = await serveWith(authenticator);
    const raw = await connectRaw(address);
    for (let round = 0; round < 2; round++) {
      const before = asked.length;
      const streams = Array.from(
        { length: MAX_UNKNOWN_CALLS },
        (_, i) => 2 * (i + round * (MAX_UNKNOWN_CALLS + 1)) + 1,
      );
      for (const stream of streams) await raw.write(begin(stream, INFO));
      await expect.poll(() => asked.length).toBe(before + MAX_UNKNOWN_CALLS);
      // One more is refused, though the authenticator was asked.
      const over = 2 * (MAX_UNKNOWN_CALLS + round * (MAX_UNKNOWN_CALLS + 1)) + 1;
      await raw.write(begin(over, INFO));
      await expect.poll(() => framesOf(raw, FRAME.headers, over).length).toBe(1);
      for (const stream of streams) await raw.write(cancel(stream));
      // What was sent before is read before that.
      await raw.write(frame(FRAME.ping, { payload: Buffer.alloc(8, round) }));
      await expect
        .poll(() => raw.frames.filter(({ flags, type }) => type === FRAME.ping && flags === ACK))
        .toHaveLength(round + 1);
    }
  });
});

describe('a connection', () => {
  it('that says nothing is closed, and one that asks for health goes on', async () => {
    const { address } = await serveHere({ firstCallMs: 500 });
    const healthy = await connectRaw(address);
    await healthy.write(begin(1, CHECK), ask(1));
    await expect.poll(() => framesOf(healthy, FRAME.headers, 1).length).toBe(2);
    const silent = await connectSocket(address);
    const raw = await connectRaw(address);
    silent.resume();
    await expect.poll(() => silent.closed && raw.closed).toBe(true);
    await healthy.write(begin(3, CHECK), ask(3));
    await expect.poll(() => framesOf(healthy, FRAME.headers, 3).length).toBe(2);
  });

  it('on which nobody is let in has few watches of health', async () => {
    const { address } = await serveWith();
    const raw = await connectRaw(address);
    const streams = Array.from({ length: 20 }, (_, i) => 2 * i + 1);
    await raw.write(...streams.flatMap((stream) => [begin(stream, WATCH), ask(stream)]));
    const over = (): number =>
      streams.filter((stream) =>
        framesOf(raw, FRAME.headers, stream).some(({ flags }) => (flags & END_STREAM) !== 0),
      ).length;
    await expect.poll(over).toBe(12);
    expect(streams.filter((stream) => framesOf(raw, FRAME.data, stream).length > 0)).toHaveLength(
      8,
    );
  });

  it('makes room where there are too many that say nothing', async () => {
    const { address } = await serveHere({ limits: { maxUnspokenConnections: 4 } });
    const silent: Socket[] = [];
    for (let i = 0; i < 20; i++) silent.push((await connectSocket(address)).resume());
    expect((await connectClients(address).server.getServerInfo({})).version).not.toBe('');
    await expect.poll(() => silent.filter(({ closed }) => closed).length).toBeGreaterThan(15);
  });

  it.each([
    ['says that it knows of the bound', true],
    ['does not', false],
  ])('whose client %s has a call with longer headers reset, and goes on', async (_, knows) => {
    const { address } = await serveHere({ limits: { maxHeaderBytes: 4096 } });
    const raw = await connectRaw(address);
    if (knows) await raw.write(frame(FRAME.settings, { flags: ACK }));
    await raw.write(begin(1, INFO, [['x-long', 'y'.repeat(5000)]]));
    await expect.poll(() => framesOf(raw, FRAME.reset, 1).length).toBe(1);
    await raw.write(begin(3, INFO, [['x-long', 'y'.repeat(2000)]]), ask(3));
    await expect.poll(() => framesOf(raw, FRAME.data, 3).length).toBe(1);
    expect(framesOf(raw, FRAME.headers, 1)).toEqual([]);
  });

  it('of which many calls are refused is asked to go, and goes', async () => {
    const { address, log } = await serveWith();
    const raw = await connectRaw(address);
    const streams = Array.from({ length: 3 * MAX_REFUSED_CALLS }, (_, i) => 2 * i + 1);
    for (const stream of streams) await raw.write(begin(stream, INFO));
    await raw.gone();
    expect(raw.frames.filter(({ type }) => type === FRAME.goaway).length).toBeGreaterThan(0);
    // What came before it was asked was answered.
    const answered = streams.filter((each) => framesOf(raw, FRAME.headers, each).length > 0);
    expect(answered.length).toBeGreaterThanOrEqual(MAX_REFUSED_CALLS);
    expect(log.filter((line) => /"code":"UNAUTHENTICATED"/.test(line)).length).toBeLessThanOrEqual(
      streams.length,
    );
    const { server } = connectClients(address);
    expect((await failureOf(server.getServerInfo({}))).summary).toBe(
      'UNAUTHENTICATED/UNAUTHENTICATED',
    );
  });

  it('that was reset too often is closed, though its client answers nothing', async () => {
    // No keepalive would close it in the time of this test.
    const { address } = await serveHere({ keepaliveMs: 3_600_000 });
    const { server } = connectClients(address);
    expect((await server.getServerInfo({})).version).not.toBe('');
    const raw = await connectRaw(address);
    await raw.write(begin(1, INFO), ask(1));
    await expect.poll(() => framesOf(raw, FRAME.data, 1).length).toBe(1);
    for (let first = 3; first < 6000 && !raw.closed; first += 200) {
      const streams = Array.from({ length: 100 }, (_, i) => first + 2 * i);
      // Nothing more is taken of it at some time, and then it is closed.
      void raw.write(...streams.flatMap((stream) => [begin(stream, INFO), cancel(stream)]));
      expect((await server.getServerInfo({})).version).not.toBe('');
    }
    await raw.gone();
    expect((await server.getServerInfo({})).version).not.toBe('');
  });

  it('goes on after its client has cancelled hundreds of calls at once', async () => {
    const { asked, authenticator } = slow();
    const { address } = await serveWith(authenticator);
    const { connection, server } = connectClients(address);
    const info = (options?: CallOptions) => server.getServerInfo({}, options);
    const first = info();
    await expect.poll(() => asked.length).toBe(1);
    asked[0]?.({ principal: ANYBODY, holds: () => true });
    await first;
    const kept = info();
    await expect.poll(() => asked.length).toBe(2);
    for (let round = 0; round < 8; round++) {
      const before = asked.length;
      const cancellers = Array.from({ length: 100 }, () => new AbortController());
      const calls = cancellers.map(({ signal }) => failureOf(info({ signal })));
      await expect.poll(() => asked.length).toBe(before + 100);
      for (const canceller of cancellers) canceller.abort();
      for (const { summary } of await Promise.all(calls)) expect(summary).toMatch(/^CANCELLED/);
    }
    // It was begun before, and over the same connection.
    asked[1]?.({ principal: ANYBODY, holds: () => true });
    expect((await kept).version).not.toBe('');
    expect(connection.getChannel().getConnectivityState(false)).toBe(connectivityState.READY);
  });

  it('that resets what it asks for in the same breath is read on', async () => {
    const { address } = await serveHere();
    const raw = await connectRaw(address);
    const breath = Array.from({ length: 300 }, (_, i) => 2 * i + 1).flatMap((stream) => [
      begin(stream, INFO),
      cancel(stream),
    ]);
    await raw.write(...breath);
    await raw.write(begin(1001, INFO), ask(1001));
    await expect.poll(() => framesOf(raw, FRAME.data, 1001).length).toBe(1);
  });
});
