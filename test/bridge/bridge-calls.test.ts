import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { CallContext } from '../../src/bridge/call-context.ts';
import { RunletError } from '../../src/errors.ts';
import { failureOf } from '../support/failure.ts';
import { aborted, deferred, requestsOf, startEcho, textsOf } from './echo-server.ts';

describe('a call that the client cancels', () => {
  it('aborts its signal and is reported once, as cancelled', async () => {
    const began = deferred();
    const ended = deferred();
    const { client, reported, reports } = await startEcho({
      async unary(_request, { signal }) {
        began.resolve();
        await aborted(signal);
        ended.resolve();
        return { text: 'too late' };
      },
    });
    const abort = new AbortController();
    const failure = failureOf(client.unary({}, { signal: abort.signal }));
    await began.promise;
    abort.abort();
    expect((await failure).error.code).toBe(status.CANCELLED);
    await ended.promise;
    await textsOf(client.serverStream({ count: 0 }));
    await reported(2);
    expect(reports.map(({ code }) => code)).toEqual([status.CANCELLED, status.OK]);
  });

  it('is reported once though its handler fails for it', async () => {
    const began = deferred();
    const { client, reported, reports } = await startEcho({
      async clientStream(_requests, { signal }) {
        began.resolve();
        await aborted(signal);
        throw new RunletError('INTERNAL');
      },
    });
    const abort = new AbortController();
    const failure = failureOf(client.clientStream(requestsOf(), { signal: abort.signal }));
    await began.promise;
    abort.abort();
    expect((await failure).error.code).toBe(status.CANCELLED);
    await reported(1);
    await client.unary({});
    await reported(2);
    expect(reports.map(({ code }) => code)).toEqual([status.CANCELLED, status.OK]);
  });

  it('before it began never reaches the handler', async () => {
    let handled = 0;
    const { client } = await startEcho({
      unary() {
        handled += 1;
        return {};
      },
    });
    const { error } = await failureOf(client.unary({}, { signal: AbortSignal.abort() }));
    expect(error.code).toBe(status.CANCELLED);
    await client.unary({});
    expect(handled).toBe(1);
  });

  it('ends the requests that its handler reads', async () => {
    const began = deferred();
    const ended = deferred();
    const { client } = await startEcho({
      async *bidiStream(requests) {
        try {
          for await (const { text } of requests) yield { text };
        } finally {
          ended.resolve();
        }
      },
    });
    const forever = deferred();
    async function* requests(): AsyncGenerator<{ text: string }> {
      yield { text: 'one' };
      await forever.promise;
    }
    for await (const _response of client.bidiStream(requests())) {
      began.resolve();
      break;
    }
    await began.promise;
    await ended.promise;
    forever.resolve();
  });
});

describe('a stream that the client leaves early', () => {
  it('ends the generator of the server', async () => {
    const ended = deferred();
    const { client, reported } = await startEcho({
      async *serverStream() {
        try {
          for (let i = 0; ; i++) yield { text: `n${i}` };
        } finally {
          ended.resolve();
        }
      },
    });
    for await (const { text } of client.serverStream({})) {
      if (text === 'n2') break;
    }
    await ended.promise;
    const [report] = await reported(1);
    expect(report?.code).toBe(status.CANCELLED);
  });

  it('ends a generator that has nothing to send', async () => {
    const ended = deferred();
    const { client } = await startEcho({
      async *serverStream(_request, { signal }) {
        yield { text: 'only' };
        await aborted(signal);
        ended.resolve();
      },
    });
    for await (const _response of client.serverStream({})) break;
    await ended.promise;
  });
});

describe('a call whose deadline passes', () => {
  it('fails with DEADLINE_EXCEEDED, aborts its signal and is reported once', async () => {
    let begun = 0;
    const ended = deferred();
    const { client, reports } = await startEcho({
      async unary(_request, { signal }) {
        begun += 1;
        await aborted(signal);
        ended.resolve();
        return {};
      },
    });
    // On a machine that is busy the time may be over before the call has come to the server.
    for (let ms = 20; begun === 0; ms *= 2) {
      const { error } = await failureOf(client.unary({}, { deadline: new Date(Date.now() + ms) }));
      expect(error.code).toBe(status.DEADLINE_EXCEEDED);
      // What came before it has been taken once this is answered.
      await textsOf(client.serverStream({ count: 1 }));
    }
    await ended.promise;
    await textsOf(client.serverStream({ count: 1 }));
    const codes = (): readonly number[] =>
      reports.filter(({ method }) => method.endsWith('/Unary')).map(({ code }) => code);
    await expect.poll(() => codes().length).toBe(begun);
    expect(begun).toBe(1);
    // The client cancels at its deadline too, and the server may hear of that first.
    expect([status.DEADLINE_EXCEEDED, status.CANCELLED]).toContain(codes()[0]);
  });

  it('knows its deadline beforehand', async () => {
    let seen = 0;
    const { client } = await startEcho({
      unary(_request, { deadline }) {
        seen = deadline;
        return {};
      },
    });
    await client.unary({}, { deadline: new Date(Date.now() + 3_600_000) });
    expect(Number.isFinite(seen)).toBe(true);
    expect(seen).toBeGreaterThan(Date.now());
    await client.unary({});
    expect(seen).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a call that succeeded', () => {
  it('leaves its signal alone, whatever its kind', async () => {
    const contexts: CallContext[] = [];
    const { client, reported } = await startEcho({
      unary({ text }, context) {
        contexts.push(context);
        return { text };
      },
      async *serverStream({ text }, context) {
        contexts.push(context);
        yield { text };
      },
      async clientStream(requests, context) {
        contexts.push(context);
        return { text: (await textsOf(requests)).join('') };
      },
      async *bidiStream(requests, context) {
        contexts.push(context);
        for await (const { text } of requests) yield { text };
      },
    });
    await client.unary({});
    await textsOf(client.serverStream({}));
    await client.clientStream(requestsOf('a'));
    await textsOf(client.bidiStream(requestsOf('a')));
    await reported(4);
    await client.unary({});
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('every call', () => {
  it('is reported exactly once, with its method, code, ids and error', async () => {
    const failure = new RunletError('PROCESS_EVICTED');
    const { client, reported, reports } = await startEcho({
      unary(_request, context) {
        context.annotate({ sessionId: 's' });
        context.annotate({ processId: 'p' });
        return {};
      },
      clientStream: () => Promise.reject(failure),
    });
    await client.unary({});
    await textsOf(client.serverStream({ count: 3 }));
    await textsOf(client.bidiStream(requestsOf('a', 'b')));
    await failureOf(client.clientStream(requestsOf('a')));
    await client.unary({});
    await reported(5);
    const path = '/runlet.test.v1.EchoService';
    const ids = { sessionId: 's', processId: 'p' };
    expect(reports.map(({ durationMs: _, ...report }) => report)).toEqual([
      { method: `${path}/Unary`, code: status.OK, ids, error: undefined },
      { method: `${path}/ServerStream`, code: status.OK, ids: {}, error: undefined },
      { method: `${path}/BidiStream`, code: status.OK, ids: {}, error: undefined },
      { method: `${path}/ClientStream`, code: status.NOT_FOUND, ids: {}, error: failure },
      { method: `${path}/Unary`, code: status.OK, ids, error: undefined },
    ]);
    expect(reports.every(({ durationMs }) => durationMs >= 0)).toBe(true);
  });
});
