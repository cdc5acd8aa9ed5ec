import { describe, expect, it } from 'vitest';
import { Latch } from '../../../src/latch.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { header, httpCall, httpFailure, wholeAnswer } from '../../support/http-request.ts';
import {
  type FramesConnection,
  headersFrame,
  startFramesUpstream,
  startHttp2Upstream,
} from '../../support/http2-upstream.ts';
import { trustedAuthority } from '../../support/https-upstream.ts';
import { END_HEADERS, END_STREAM, FRAME, frame, number32 } from '../../support/raw-http2.ts';

const MIB = 1024 * 1024;
const NO_ERROR = 0;
const CANCEL = 8;

const HEAD = headersFrame([[':status', '200']], END_HEADERS);
const DATA = frame(FRAME.data, { stream: 1, payload: Buffer.from('abc') });
const LAST_DATA = frame(FRAME.data, { flags: END_STREAM, stream: 1, payload: Buffer.from('def') });
const LAST_HEAD = headersFrame([[':status', '200']], END_HEADERS | END_STREAM);
const TRAILERS = headersFrame([['t', '1']], END_HEADERS | END_STREAM);

function reset(code: number, stream = 1): Buffer {
  return frame(FRAME.reset, { stream, payload: number32(code) });
}

function goAway(code: number, lastStream: number): Buffer {
  const payload = Buffer.concat([number32(lastStream), number32(code)]);
  return frame(FRAME.goaway, { payload });
}

async function startTrusting(): Promise<
  Harness & { readonly authority: Awaited<ReturnType<typeof trustedAuthority>> }
> {
  const authority = await trustedAuthority();
  return { ...(await startHarness({ httpTrust: authority.httpTrust })), authority };
}

/** When a number has been the same for so many looks. */
async function settled(count: () => number): Promise<number> {
  let last = count();
  for (let same = 0; same < 50; ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    same = last > 0 && count() === last ? same + 1 : 0;
    last = count();
  }
  return last;
}

describe('a request over HTTP/2', () => {
  it('has its head and its answer as they are, with repeats and trailers', async () => {
    const harness = await startTrusting();
    const upstream = await startHttp2Upstream(harness.authority, ({ stream }) => {
      stream.resume();
      stream.respond({ ':status': 299, 'set-cookie': ['a=1', 'b=2'], x: '\xfe' } as never, {
        waitForTrailers: true,
      });
      stream.once('wantTrailers', () => stream.sendTrailers({ 't-one': '\xe4', 't-two': '2' }));
      stream.end('body');
    });
    const headers = [header('X-One', 'a'), header('x-two', '\xff'), header('X-One', 'b')];
    const url = `${upstream.origin}/a%20b?c=d`;
    const call = httpCall(harness, { method: 'Odd', url, headers }, ['some']);
    const answer = await wholeAnswer(call);
    expect(answer).toMatchObject({
      status: 299,
      version: '2',
      body: Buffer.from('body'),
      trailers: ['t-one: \xe4', 't-two: 2'],
      finalUrl: url,
    });
    expect(answer.headers.filter((line) => !line.startsWith('date:'))).toEqual([
      'set-cookie: a=1',
      'set-cookie: b=2',
      'x: \xfe',
    ]);
    expect(upstream.asked.map(({ rawHeaders }) => rawHeaders)).toEqual([
      [
        ...[':method', 'Odd', ':scheme', 'https'],
        ...[':authority', upstream.origin.replace('https://', ''), ':path', '/a%20b?c=d'],
        ...['x-one', 'a', 'x-one', 'b', 'x-two', '\xff'],
      ],
    ]);
  });

  it('has both bodies go on at the same time', async () => {
    const harness = await startTrusting();
    const upstream = await startHttp2Upstream(harness.authority, ({ stream }) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const echoed = [new Latch(), new Latch(), new Latch()];
    async function* pieces(): AsyncGenerator<string> {
      for (const [at, latch] of echoed.entries()) {
        yield `piece ${at}`;
        await latch.wait();
      }
    }
    const url = upstream.origin;
    const bodies: string[] = [];
    for await (const { response } of httpCall(harness, { method: 'POST', url }, pieces())) {
      if (response.case === 'body') {
        bodies.push(Buffer.from(response.value).toString());
        echoed[bodies.length - 1]?.open();
      }
    }
    expect(bodies).toEqual(['piece 0', 'piece 1', 'piece 2']);
  });

  it('slows an answer to what is read of it, and loses nothing', async () => {
    const harness = await startTrusting();
    const total = 64 * MIB;
    let written = 0;
    const upstream = await startHttp2Upstream(harness.authority, ({ stream }) => {
      stream.respond({ ':status': 200 });
      const more = (): void => {
        while (written < total) {
          written += MIB;
          if (!stream.write(Buffer.alloc(MIB, written / MIB))) {
            stream.once('drain', more);
            return;
          }
        }
        stream.end();
      };
      more();
    });
    const call = httpCall(harness, { url: upstream.origin })[Symbol.asyncIterator]();
    await call.next();
    expect(await settled(() => written)).toBeLessThan(total / 2);
    const rest = await wholeAnswer(
      (async function* () {
        yield { response: { case: 'head', value: { headers: [] } } } as never;
        for (let next = await call.next(); !next.done; next = await call.next()) yield next.value;
      })(),
    );
    expect(rest.body).toHaveLength(total);
    for (let at = 0; at < total; at += MIB) expect(rest.body[at]).toBe(at / MIB + 1);
  });

  it('slows what is sent to what is read of it, and loses nothing', async () => {
    const harness = await startTrusting();
    const reads = new Latch();
    let got = 0;
    const upstream = await startHttp2Upstream(harness.authority, async ({ stream }) => {
      await reads.wait();
      for await (const piece of stream) got += piece.length;
      stream.respond({ ':status': 200 }, { endStream: true });
    });
    const total = 64 * MIB;
    let sent = 0;
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (; sent < total; sent += MIB) yield Buffer.alloc(MIB);
    }
    const call = httpCall(harness, { method: 'PUT', url: upstream.origin }, pieces());
    const answer = wholeAnswer(call);
    expect(await settled(() => sent)).toBeLessThan(total / 2);
    reads.open();
    expect(await answer).toMatchObject({ status: 200 });
    expect(got).toBe(total);
  });

  it('shares its connection with others at the same time', async () => {
    const harness = await startTrusting();
    const waiting: (() => void)[] = [];
    const upstream = await startHttp2Upstream(harness.authority, ({ headers, stream }, index) => {
      const respond = (): void => {
        stream.respond({ ':status': 200 });
        stream.end(headers[':path']);
      };
      // The first one alone makes the connection.
      if (index === 0) respond();
      else waiting.push(respond);
      if (waiting.length === 30) for (const each of waiting.reverse()) each();
    });
    const ask = (path: string) => wholeAnswer(httpCall(harness, { url: upstream.origin + path }));
    await ask('/');
    const paths = Array.from({ length: 30 }, (_, at) => `/${at}`);
    const answers = await Promise.all(paths.map(ask));
    expect(answers.map(({ body }) => body.toString())).toEqual(paths);
    expect(upstream.sessions).toHaveLength(1);
  });

  it('that is cancelled ends its stream, and not the connection', async () => {
    const harness = await startTrusting();
    const upstream = await startFramesUpstream(harness.authority, async (connection) => {
      await connection.frameOf(FRAME.headers, 1);
      connection.socket.write(Buffer.concat([HEAD, DATA]));
      await connection.frameOf(FRAME.headers, 3);
      connection.socket.write(headersFrame([[':status', '204']], END_HEADERS | END_STREAM, 3));
    });
    const cancelled = new AbortController();
    const url = upstream.origin;
    const call = httpCall(harness, { url }, [], { signal: cancelled.signal });
    const read = async (): Promise<void> => {
      for await (const { response } of call) if (response.case === 'body') cancelled.abort();
    };
    await expect(read()).rejects.toThrow();
    const { payload } = (await upstream.connections[0]?.frameOf(FRAME.reset)) ?? {};
    expect(payload?.readUInt32BE()).toBe(CANCEL);
    expect(await wholeAnswer(httpCall(harness, { url }))).toMatchObject({ status: 204 });
    expect(upstream.connections).toHaveLength(1);
  });
});

/** Answers with frames, together or one after another, when all of the request's head is there. */
function answering(parts: readonly Buffer[], together: boolean) {
  return async ({ frameOf, socket }: FramesConnection): Promise<void> => {
    await frameOf(FRAME.headers);
    if (together) socket.write(Buffer.concat(parts));
    else {
      for (const part of parts) {
        await new Promise((resolve) => socket.write(part, resolve));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
}

describe.each([
  ['at once', true],
  ['one after another', false],
])('an answer over HTTP/2 whose frames come %s', (_how, together) => {
  it.each<[string, readonly Buffer[], string]>([
    ['a reset without an error before it', [reset(NO_ERROR)], 'HEADER'],
    ['a reset before it', [reset(2)], 'HEADER'],
    ['a refusal', [reset(7)], 'HEADER'],
    ['a reset without an error and a body', [HEAD, reset(NO_ERROR)], 'BODY'],
    ['a reset without an error in its body', [HEAD, DATA, reset(NO_ERROR)], 'BODY'],
    ['a cancel in its body', [HEAD, DATA, reset(CANCEL)], 'BODY'],
    ['an error in its body', [HEAD, DATA, reset(2)], 'BODY'],
    ['one of the protocol', [HEAD, DATA, reset(1)], 'BODY'],
    ['nothing more of the connection', [HEAD, DATA, goAway(2, 1)], 'BODY'],
  ])('fails for %s', async (_what, parts, stage) => {
    const harness = await startTrusting();
    const upstream = await startFramesUpstream(harness.authority, answering(parts, together));
    const failure = await httpFailure(httpCall(harness, { url: upstream.origin }));
    expect(failure).toMatch(new RegExp(`^HTTP_FAILED ${stage} [A-Z0-9_]+$`));
    // Nothing was repeated.
    expect(upstream.connections).toHaveLength(1);
    const heads = upstream.connections[0]?.frames.filter(({ type }) => type === FRAME.headers);
    expect(heads).toHaveLength(1);
  });

  it.each<[string, readonly Buffer[], string, readonly string[]]>([
    ['its body', [HEAD, DATA, LAST_DATA], 'abcdef', []],
    ['its body and a reset', [HEAD, DATA, LAST_DATA, reset(NO_ERROR)], 'abcdef', []],
    ['its head and a reset', [LAST_HEAD, reset(NO_ERROR)], '', []],
    ['its trailers and a reset', [HEAD, DATA, TRAILERS, reset(NO_ERROR)], 'abc', ['t: 1']],
  ])('is whole with %s, though the request is not', async (_what, parts, body, trailers) => {
    const harness = await startTrusting();
    const upstream = await startFramesUpstream(harness.authority, answering(parts, together));
    const over = new Latch();
    async function* pieces(): AsyncGenerator<string> {
      yield 'some';
      await over.wait();
    }
    const call = httpCall(harness, { method: 'POST', url: upstream.origin }, pieces());
    expect(await wholeAnswer(call)).toMatchObject({ body: Buffer.from(body), trailers });
    over.open();
  });
});

describe('a connection of HTTP/2 that goes away', () => {
  it('has what is under way come to its end, and the next go elsewhere', async () => {
    const harness = await startTrusting();
    const upstream = await startFramesUpstream(
      harness.authority,
      async ({ frameOf, socket }, at) => {
        await frameOf(FRAME.headers);
        if (at === 0) socket.write(Buffer.concat([HEAD, goAway(NO_ERROR, 1), DATA]));
        else socket.write(LAST_HEAD);
      },
    );
    const url = upstream.origin;
    const next = new Latch();
    const first = async (): Promise<string> => {
      let body = '';
      for await (const { response } of httpCall(harness, { url })) {
        if (response.case !== 'body') continue;
        body += Buffer.from(response.value).toString();
        next.open();
      }
      return body;
    };
    const whole = first();
    await next.wait();
    await wholeAnswer(httpCall(harness, { url }));
    expect(upstream.connections).toHaveLength(2);
    upstream.connections[0]?.socket.write(LAST_DATA);
    expect(await whole).toBe('abcdef');
    await upstream.connections[0]?.over;
  });

  it.each([NO_ERROR, 11])('repeats nothing that it has not looked at: code %i', async (code) => {
    const harness = await startTrusting();
    const upstream = await startFramesUpstream(harness.authority, async ({ frameOf, socket }) => {
      await frameOf(FRAME.headers);
      socket.write(goAway(code, 0));
    });
    const failure = await httpFailure(httpCall(harness, { url: upstream.origin }));
    expect(failure).toMatch(/^HTTP_FAILED HEADER /);
    expect(upstream.connections).toHaveLength(1);
    await upstream.connections[0]?.over;
  });
});
