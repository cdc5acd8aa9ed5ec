import { create, toBinary } from '@bufbuild/protobuf';
import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import { EncodedMessage } from '../../src/bridge/encoded-message.ts';
import { openConnection } from '../../src/client/connection.ts';
import { invalidField, RunletError } from '../../src/errors.ts';
import {
  EchoService,
  ServerStreamResponseSchema,
  UnaryRequestSchema,
  UnaryResponseSchema,
} from '../gen/runlet/test/v1/echo_pb.ts';
import { failureOf } from '../support/failure.ts';
import { type Echo, MAX_REQUEST_BYTES, requestsOf, startEcho, textsOf } from './echo-server.ts';

/** Sends the bytes of a request as they are. */
function sendBytes({ connection }: Echo, bytes: Buffer): Promise<Buffer> {
  const asIs = (data: Buffer): Buffer => data;
  return new Promise((resolve, reject) => {
    connection.makeUnaryRequest(
      '/runlet.test.v1.EchoService/Unary',
      asIs,
      asIs,
      bytes,
      new Metadata(),
      {},
      (error, response) => {
        if (error !== null || response === undefined) reject(error);
        else resolve(response);
      },
    );
  });
}

/** A field 1 that promises five bytes and has one. */
const UNDECODABLE = Buffer.from([0x0a, 0x05, 0x41]);

describe('a call', () => {
  it('of a unary method gets its response', async () => {
    const { client } = await startEcho();
    expect((await client.unary({ text: 'hello' })).text).toBe('hello');
  });

  it('of a server streaming method gets every response in order', async () => {
    const { client } = await startEcho();
    const texts = await textsOf(client.serverStream({ text: 'n', count: 3 }));
    expect(texts).toEqual(['n0', 'n1', 'n2']);
  });

  it('of a server streaming method may get none', async () => {
    const { client } = await startEcho();
    expect(await textsOf(client.serverStream({ count: 0 }))).toEqual([]);
  });

  it('of a client streaming method hands over every request in order', async () => {
    const { client } = await startEcho();
    const response = await client.clientStream(requestsOf('a', 'b', 'c'));
    expect(response.text).toBe('abc');
  });

  it('of a client streaming method may be answered before its requests end', async () => {
    const { client } = await startEcho({
      async clientStream(requests) {
        for await (const { text } of requests) return { text };
        return {};
      },
    });
    let taken = 0;
    let ended = (): void => {};
    const requestsEnded = new Promise<void>((resolve) => {
      ended = resolve;
    });
    async function* endless(): AsyncGenerator<{ text: string }> {
      try {
        for (;;) yield { text: `n${taken++}` };
      } finally {
        ended();
      }
    }
    expect((await client.clientStream(endless())).text).toBe('n0');
    await requestsEnded;
  });

  it('of a bidirectional method is a conversation', async () => {
    const { client } = await startEcho();
    const answers = [];
    let answered = (): void => {};
    async function* questions(): AsyncGenerator<{ text: string }> {
      for (const text of ['one', 'two', 'three']) {
        const answer = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield { text };
        await answer;
      }
    }
    for await (const { text } of client.bidiStream(questions())) {
      answers.push(text);
      answered();
    }
    expect(answers).toEqual(['one', 'two', 'three']);
  });

  it('tells its handler its method and headers', async () => {
    const seen: string[] = [];
    const { client } = await startEcho({
      unary(_request, context) {
        seen.push(context.method);
        return { text: context.header('runlet-session-id') ?? 'none' };
      },
    });
    const metadata = { 'runlet-session-id': 'abc' };
    expect((await client.unary({}, { metadata })).text).toBe('abc');
    expect((await client.unary({})).text).toBe('none');
    expect(seen[0]).toBe('/runlet.test.v1.EchoService/Unary');
  });

  it('tells its handler which connection it came over', async () => {
    const peers: unknown[] = [];
    const { client, path } = await startEcho({
      unary: ({ text }, { peer }) => {
        peers.push(peer);
        return { text };
      },
    });
    const connection = openConnection({ kind: 'unix', path });
    onTestFinished(() => connection.close());
    await client.unary({ text: '' });
    await client.unary({ text: '' });
    await createClient(EchoService, connection).unary({ text: '' });
    const [first, second, other] = peers;
    expect(first).toBeDefined();
    expect(second).toBe(first);
    expect(other).toBeDefined();
    expect(other).not.toBe(first);
  });
});

describe('a response that is encoded already', () => {
  it('serves any number of calls', async () => {
    const bytes = toBinary(UnaryResponseSchema, create(UnaryResponseSchema, { text: 'once' }));
    const encoded = new EncodedMessage(UnaryResponseSchema, bytes);
    const { client } = await startEcho({ unary: () => encoded });
    expect((await client.unary({})).text).toBe('once');
    expect((await client.unary({})).text).toBe('once');
  });

  it('serves any number of streams, and a part of other memory will do', async () => {
    const message = create(ServerStreamResponseSchema, { text: 'once' });
    const bytes = toBinary(ServerStreamResponseSchema, message);
    const memory = new Uint8Array([1, 2, 3, ...bytes, 4, 5]);
    const part = memory.subarray(3, 3 + bytes.byteLength);
    const encoded = new EncodedMessage(ServerStreamResponseSchema, part);
    const { client } = await startEcho({
      async *serverStream({ count }) {
        for (let i = 0; i < count; i++) yield encoded;
      },
    });
    const streams = [client.serverStream({ count: 2 }), client.serverStream({ count: 3 })];
    expect(await Promise.all(streams.map(textsOf))).toEqual([
      ['once', 'once'],
      ['once', 'once', 'once'],
    ]);
  });
});

describe('an error that a handler throws on purpose', () => {
  it('becomes its status and an ErrorInfo', async () => {
    const { client } = await startEcho({
      unary() {
        throw new RunletError('STDIN_OFFSET_GAP', { metadata: { accepted_offset: '7' } });
      },
    });
    const { error, info, summary } = await failureOf(client.unary({}));
    expect(summary).toBe('OUT_OF_RANGE/STDIN_OFFSET_GAP');
    expect(info?.domain).toBe('runlet.v1');
    expect(info?.metadata).toEqual({ accepted_offset: '7' });
    expect(error.details).toBe('offset lies beyond what stdin accepted so far');
  });

  it('may be thrown in any kind of method', async () => {
    const fail = (): never => {
      throw new RunletError('SESSION_NOT_FOUND');
    };
    const { client } = await startEcho({
      unary: fail,
      clientStream: fail,
      serverStream: fail,
      bidiStream: fail,
    });
    const calls = [
      client.unary({}),
      client.clientStream(requestsOf('a')),
      textsOf(client.serverStream({})),
      textsOf(client.bidiStream(requestsOf('a'))),
    ];
    for (const { summary } of await Promise.all(calls.map(failureOf))) {
      expect(summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
    }
  });

  it('comes after the responses before it', async () => {
    const { client } = await startEcho({
      async *serverStream() {
        yield { text: 'one' };
        yield { text: 'two' };
        throw new RunletError('DRAINING', { retryAfterMs: 1500 });
      },
    });
    const texts: string[] = [];
    const { retry, summary } = await failureOf(
      (async () => {
        for await (const { text } of client.serverStream({})) texts.push(text);
      })(),
    );
    expect(summary).toBe('UNAVAILABLE/DRAINING');
    expect(retry?.retryDelay).toMatchObject({ seconds: 1n, nanos: 500_000_000 });
    expect(texts).toEqual(['one', 'two']);
  });

  it.each([
    ['a lone surrogate', 'bad \ud800 text', 'bad \ufffd text'],
    ['a line break and other scripts', 'ä\n\u{1F600}', 'ä\n\u{1F600}'],
  ])('arrives with %s in its message', async (_what, message, expected) => {
    const { client } = await startEcho({
      unary() {
        throw invalidField('text', message);
      },
    });
    const { badRequest, error, summary } = await failureOf(client.unary({}));
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    expect(error.details).toBe(`text: ${expected}`);
    expect(badRequest?.fieldViolations).toMatchObject([{ field: 'text', description: expected }]);
  });
});

describe('the message of an error', () => {
  it('is cut where it would not fit into a header, and stays text', async () => {
    const { client } = await startEcho({
      unary() {
        throw new RunletError('INTERNAL', { message: `${'x'.repeat(1023)}\u{1F600} and on` });
      },
    });
    const { error } = await failureOf(client.unary({}));
    expect(error.details).toBe(`${'x'.repeat(1023)}\ufffd`);
  });
});

describe('an error that a handler does not throw on purpose', () => {
  it.each<[string, unknown]>([
    ['an Error', new Error('password hunter2')],
    ['a text', 'password hunter2'],
    ['nothing', undefined],
  ])('tells the client nothing: %s', async (_what, thrown) => {
    const fail = (): never => {
      throw thrown;
    };
    const { client } = await startEcho({ unary: fail, serverStream: fail });
    const calls = [client.unary({}), textsOf(client.serverStream({}))];
    for (const { error, summary } of await Promise.all(calls.map(failureOf))) {
      expect(summary).toBe('INTERNAL/INTERNAL');
      expect(error.details).toBe('internal error');
      expect(JSON.stringify(error.metadata.toHttp2Headers())).not.toContain('hunter2');
    }
  });
});

describe('a request', () => {
  it('that cannot be decoded is refused', async () => {
    const { summary } = await failureOf(sendBytes(await startEcho(), UNDECODABLE));
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
  });

  it('that is no UTF-8 where it must be is refused', async () => {
    const bytes = Buffer.from([0x0a, 0x01, 0xff]);
    const { summary } = await failureOf(sendBytes(await startEcho(), bytes));
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
  });

  it('of as many bytes as are allowed is taken', async () => {
    const echo = await startEcho();
    const text = 'x'.repeat(MAX_REQUEST_BYTES - 4);
    const request = toBinary(UnaryRequestSchema, create(UnaryRequestSchema, { text }));
    expect(request.byteLength).toBe(MAX_REQUEST_BYTES);
    expect(await sendBytes(echo, Buffer.from(request))).toEqual(Buffer.from(request));
  });

  it('of more bytes is refused, and the limit is named', async () => {
    const { client } = await startEcho();
    const text = 'x'.repeat(MAX_REQUEST_BYTES - 3);
    const calls = [
      client.unary({ text }),
      textsOf(client.serverStream({ text })),
      client.clientStream(requestsOf('a', text)),
      textsOf(client.bidiStream(requestsOf(text))),
    ];
    for (const { info, summary } of await Promise.all(calls.map(failureOf))) {
      expect(summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
      expect(info?.metadata).toEqual({
        limit: 'max_request_bytes',
        maximum: String(MAX_REQUEST_BYTES),
      });
    }
  });

  it('of far more bytes is refused by the transport, and other calls go on', async () => {
    const { client } = await startEcho();
    const { error } = await failureOf(client.unary({ text: 'x'.repeat(3 * MAX_REQUEST_BYTES) }));
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await client.unary({ text: 'next' })).text).toBe('next');
  });
});
