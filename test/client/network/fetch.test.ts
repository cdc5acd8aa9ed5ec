import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { deferred } from '../../../src/client/deferred.ts';
import { HttpError, type RemoteSession } from '../../../src/client/index.ts';
import { connectTo, errorOf, QUICK } from '../../support/client.ts';
import { serveHere } from '../../support/harness.ts';
import { listenHere } from '../../support/peers.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A session, and the URL of a server that answers as a test says. */
async function startUpstream(answer: Answer): Promise<{ session: RemoteSession; url: string }> {
  const session = await startSession();
  const { host, port } = await listenHere(createServer(answer));
  return { session, url: `http://${host}:${port}` };
}

async function startSession(): Promise<RemoteSession> {
  const { address } = await serveHere();
  return connectTo(address, QUICK).session();
}

/** Answers with what came. */
const echo: Answer = (request, response) => {
  response.setHeader('x-method', request.method ?? '');
  response.setHeader('x-headers', JSON.stringify(request.headers));
  request.pipe(response);
};

function headersSeen(response: Response): Record<string, string> {
  return JSON.parse(response.headers.get('x-headers') ?? '{}');
}

describe('the fetch of a session', () => {
  it('gives what the platform gives', async () => {
    const { session, url } = await startUpstream((request, response) => {
      response.writeHead(201, [
        ['Content-Type', 'application/json'],
        ['Set-Cookie', 'a=1; Path=/'],
        ['Set-Cookie', 'b=2'],
        ['X-Latin', 'caf\u00e9'],
      ]);
      response.end(JSON.stringify({ path: request.url }));
    });
    // It is given away as it is.
    const { fetch } = session;
    const response = await fetch(`${url}/some?query#fragment`);
    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.ok, response.redirected]).toEqual([201, true, false]);
    expect(response.url).toBe(`${url}/some?query`);
    expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2']);
    expect(response.headers.get('x-latin')).toBe('caf\u00e9');
    const clone = response.clone();
    expect(clone.url).toBe(response.url);
    expect(await response.json()).toEqual({ path: '/some?query' });
    expect(await clone.json()).toEqual({ path: '/some?query' });
  });

  it('takes each kind of a body, and tells how long it is where that is known', async () => {
    const { session, url } = await startUpstream(echo);
    const large = 'x'.repeat(2 * 1024 * 1024);
    const bodies: readonly [NonNullable<RequestInit['body']>, string, string | undefined][] = [
      ['a text', 'a text', 'text/plain;charset=UTF-8'],
      [Buffer.from('bytes'), 'bytes', undefined],
      [
        new URLSearchParams({ a: '1 2' }),
        'a=1+2',
        'application/x-www-form-urlencoded;charset=UTF-8',
      ],
      [new Blob(['of a blob'], { type: 'text/x' }), 'of a blob', 'text/x'],
      [large, large, 'text/plain;charset=UTF-8'],
    ];
    for (const [body, wanted, type] of bodies) {
      const response = await session.fetch(url, { method: 'POST', body });
      const seen = headersSeen(response);
      expect(await response.text()).toBe(wanted);
      expect(seen['content-length']).toBe(String(wanted.length));
      expect(seen['content-type']).toBe(type);
    }
    const request = new Request(url, { method: 'PUT', body: 'of a request' });
    const response = await session.fetch(request);
    expect(response.headers.get('x-method')).toBe('PUT');
    expect(headersSeen(response)['content-length']).toBe('12');
    expect(await response.text()).toBe('of a request');
  });

  it('sends a form with its files, and its length', async () => {
    const { session, url } = await startUpstream(echo);
    const form = new FormData();
    form.append('name', 'v\u00e4lue');
    form.append('file', new File(['x'.repeat(1_000_000)], 'n\u00e4me "1".txt', { type: 'text/x' }));
    const response = await session.fetch(url, { method: 'POST', body: form });
    const seen = headersSeen(response);
    const bytes = await response.arrayBuffer();
    expect(Number(seen['content-length'])).toBe(bytes.byteLength);
    const again = await new Response(bytes, {
      headers: { 'content-type': seen['content-type'] ?? '' },
    }).formData();
    expect(again.get('name')).toBe('v\u00e4lue');
    const file = again.get('file');
    expect(file instanceof File && [file.size, file.type]).toEqual([1_000_000, 'text/x']);
  });

  it('streams both ways at once', async () => {
    const { session, url } = await startUpstream(echo);
    const turns = [deferred<void>(), deferred<void>()];
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('first');
      await turns[0]?.promise;
      yield Buffer.from('second');
      await turns[1]?.promise;
    }
    const response = await session.fetch(url, { method: 'POST', body: body(), duplex: 'half' });
    expect(headersSeen(response)['transfer-encoding']).toBe('chunked');
    const reader = response.body?.getReader();
    // What came is read before the next is sent.
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first');
    turns[0]?.resolve();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('second');
    turns[1]?.resolve();
    expect((await reader?.read())?.done).toBe(true);
  });

  it('has no body where there is none', async () => {
    const { session, url } = await startUpstream((request, response) => {
      response.writeHead(Number(request.url?.slice(1)), { etag: 'x' }).end();
    });
    for (const status of [204, 304]) {
      const response = await session.fetch(`${url}/${status}`);
      expect([response.status, response.body]).toEqual([status, null]);
    }
    const head = await session.fetch(`${url}/200`, { method: 'HEAD' });
    expect([head.status, head.body, head.headers.get('etag')]).toEqual([200, null, 'x']);
  });

  it('follows redirects, stops at them, or fails, as it is told', async () => {
    const { session, url } = await startUpstream((request, response) => {
      if (request.url === '/to') response.end('there');
      else response.writeHead(302, { location: '/to' }).end('elsewhere');
    });
    const followed = await session.fetch(`${url}/from`);
    expect([followed.redirected, followed.url]).toEqual([true, `${url}/to`]);
    expect(await followed.text()).toBe('there');
    const manual = await session.fetch(`${url}/from`, { redirect: 'manual' });
    expect([manual.status, manual.headers.get('location')]).toEqual([302, '/to']);
    expect(await manual.text()).toBe('elsewhere');
    const failed = await errorOf(session.fetch(`${url}/from`, { redirect: 'error' }));
    expect(failed).toBeInstanceOf(TypeError);
    expect(failed.cause).toMatchObject({ message: 'unexpected redirect' });
  });

  it('undoes compression, unless it is not to', async () => {
    const { session, url } = await startUpstream((request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.setHeader('x-accepted', request.headers['accept-encoding'] ?? 'none');
      response.end(gzipSync('what was compressed'));
    });
    const response = await session.fetch(url);
    expect(response.headers.get('x-accepted')).toBe('gzip, deflate, br');
    expect(await response.text()).toBe('what was compressed');
    const raw = await session.fetch(url, { decompress: false });
    expect(raw.headers.get('x-accepted')).toBe('none');
    expect(Buffer.from(await raw.arrayBuffer())).toEqual(gzipSync('what was compressed'));
  });

  it('slows the server to what is read', async () => {
    const piece = Buffer.alloc(64 * 1024);
    const bytes = 32 * 1024 * 1024;
    const sent: number[] = [];
    const { session, url } = await startUpstream((_request, response) => {
      const index = sent.push(0) - 1;
      const send = (): void => {
        for (let left = bytes - (sent[index] ?? 0); left > 0; left -= piece.length) {
          sent[index] = bytes - left + piece.length;
          if (!response.write(piece)) {
            response.once('drain', send);
            return;
          }
        }
        response.end();
      };
      send();
    });
    const response = await session.fetch(url);
    // Nothing of it is read, while as much of another answer is, to its end.
    const other = await session.fetch(url);
    expect(await lengthOf(other)).toBe(bytes);
    expect(sent[1]).toBe(bytes);
    expect(sent[0]).toBeLessThan(bytes / 2);
    expect(await lengthOf(response)).toBe(bytes);
  });

  it('slows what is sent to what the server reads', async () => {
    const slow = deferred<IncomingMessage>();
    const { session, url } = await startUpstream((request, response) => {
      if (request.url === '/slow') slow.resolve(request);
      else request.resume();
      request.on('end', () => response.end('had it'));
    });
    const pieces = 512;
    const taken = { slow: 0, quick: 0 };
    async function* body(which: keyof typeof taken): AsyncGenerator<Uint8Array> {
      for (; taken[which] < pieces; taken[which] += 1) yield Buffer.alloc(64 * 1024);
    }
    const post = (which: keyof typeof taken): Promise<Response> =>
      session.fetch(`${url}/${which}`, { method: 'POST', body: body(which), duplex: 'half' });
    const slowed = post('slow');
    const request = await slow.promise;
    // Nothing of it is read, while as much is of another one, to its end.
    expect(await (await post('quick')).text()).toBe('had it');
    expect(taken.quick).toBe(pieces);
    expect(taken.slow).toBeLessThan(pieces / 2);
    request.resume();
    expect(await (await slowed).text()).toBe('had it');
    expect(taken.slow).toBe(pieces);
  });

  it('fails as fetch does, with what it was as its cause', async () => {
    const server = createServer();
    const { port } = await listenHere(server);
    server.close();
    const session = await startSession();
    const refused = await errorOf(session.fetch(`http://127.0.0.1:${port}`));
    expect(refused).toBeInstanceOf(TypeError);
    expect(refused.message).toBe('fetch failed');
    expect(refused.cause).toBeInstanceOf(HttpError);
    expect(refused.cause).toMatchObject({
      reason: 'HTTP_FAILED',
      stage: 'CONNECT',
      failure: 'ECONNREFUSED',
      target: `127.0.0.1:${port}`,
    });
    const denied = await errorOf(session.fetch('http://169.254.169.254/latest'));
    expect(denied.cause).toMatchObject({ reason: 'EGRESS_DENIED', stage: 'DENIED' });
    const unknown = await errorOf(session.fetch('http://no-such-host.invalid'));
    expect(unknown.cause).toMatchObject({ stage: 'DNS' });
    expect(await errorOf(session.fetch('no url'))).toBeInstanceOf(TypeError);
    expect(await errorOf(session.fetch('http://user:secret@host'))).toBeInstanceOf(TypeError);
    const get = session.fetch('http://host', { method: 'GET', body: 'of a GET' });
    expect(await errorOf(get)).toBeInstanceOf(TypeError);
    const option = await errorOf(session.fetch('http://host', { timeoutMs: -1 }));
    expect(option).toMatchObject({ code: 'OPTION_INVALID', option: 'timeoutMs' });
  });

  it('never ends a body that was cut', async () => {
    const { session, url } = await startUpstream((request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      if (request.url === '/cut') response.write('half', () => response.destroy());
      else response.end('x'.repeat(100));
    });
    const response = await session.fetch(`${url}/cut`);
    const cut = await errorOf(response.text());
    expect(cut).toBeInstanceOf(TypeError);
    expect(cut.cause).toMatchObject({ stage: 'BODY' });
    const long = await session.fetch(`${url}/long`, { maxBodyBytes: 10 });
    expect((await errorOf(long.text())).cause).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  it('tells which time was over', async () => {
    const { session, url } = await startUpstream((request, response) => {
      if (request.url === '/body') response.write('begun');
    });
    const header = await errorOf(session.fetch(url, { headerTimeoutMs: 50 }));
    expect(header.cause).toMatchObject({ stage: 'TIMEOUT', failure: 'HEADER' });
    const response = await session.fetch(`${url}/body`, { idleTimeoutMs: 50 });
    expect((await errorOf(response.text())).cause).toMatchObject({
      stage: 'TIMEOUT',
      failure: 'IDLE',
    });
  });

  it('is aborted in each phase, which the other side sees', async () => {
    const gone: Promise<unknown>[] = [];
    const came = { head: deferred<void>(), request: deferred<void>() };
    const { session, url } = await startUpstream((request, response) => {
      gone.push(once(response, 'close'));
      if (request.url === '/head') came.head.resolve();
      if (request.url === '/request') request.once('data', () => came.request.resolve());
      if (request.url === '/body') response.write('begun');
    });
    const why = new Error('no longer wanted');
    const already = session.fetch(url, { signal: AbortSignal.abort(why) });
    expect(await errorOf(already)).toBe(why);

    const waiting = new AbortController();
    const unanswered = session.fetch(`${url}/head`, { signal: waiting.signal });
    await came.head.promise;
    waiting.abort(why);
    expect(await errorOf(unanswered)).toBe(why);

    const sending = new AbortController();
    let isLeft = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(1024);
      } finally {
        isLeft = true;
      }
    }
    const sent = session.fetch(`${url}/request`, {
      method: 'POST',
      body: body(),
      duplex: 'half',
      signal: sending.signal,
    });
    await came.request.promise;
    sending.abort(why);
    expect(await errorOf(sent)).toBe(why);

    const reading = new AbortController();
    const response = await session.fetch(`${url}/body`, { signal: reading.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    const next = reader?.read();
    reading.abort(why);
    expect(await errorOf(Promise.resolve(next))).toBe(why);
    await Promise.all(gone);
    expect(gone).toHaveLength(3);
    expect(isLeft).toBe(true);
  });

  it('ends the exchange where its body is cancelled', async () => {
    const gone = deferred<void>();
    const { session, url } = await startUpstream((_request, response) => {
      response.on('close', gone.resolve);
      response.write('begun');
    });
    const response = await session.fetch(url);
    await response.body?.cancel();
    await gone.promise;
  });

  it('fails with what its own body fails of', async () => {
    const { session, url } = await startUpstream((request) => void request.resume());
    const why = new Error('nothing more to send');
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('first');
      await new Promise((resolve) => setImmediate(resolve));
      throw why;
    }
    const failed = await errorOf(
      session.fetch(url, { method: 'POST', body: body(), duplex: 'half' }),
    );
    expect(failed).toBeInstanceOf(TypeError);
    expect(failed.cause).toBe(why);
  });

  it('gives an answer that comes before all was sent', async () => {
    const { session, url } = await startUpstream((_request, response) => {
      response.writeHead(413).end('too much');
    });
    let isLeft = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(64 * 1024);
      } finally {
        isLeft = true;
      }
    }
    const response = await session.fetch(url, { method: 'POST', body: body(), duplex: 'half' });
    expect([response.status, await response.text()]).toEqual([413, 'too much']);
    await expect.poll(() => isLeft).toBe(true);
  });

  it('leaves a body that has nothing to give, once that is of no use', async () => {
    const { session, url } = await startUpstream((_request, response) => {
      response.writeHead(413).end('too much');
    });
    const refused = createServer();
    const { port } = await listenHere(refused);
    refused.close();
    const aborting = new AbortController();
    const left = deferred<void>();
    const hanging = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('first')),
        // Nothing more comes, and nothing ends.
        pull: () => new Promise(() => {}),
        cancel: () => {
          count += 1;
          if (count === 3) left.resolve();
        },
      });
    let count = 0;
    const post = (to: string, more = {}): Promise<Response> =>
      session.fetch(to, { method: 'POST', body: hanging(), duplex: 'half', ...more });
    const response = await post(url);
    expect([response.status, await response.text()]).toEqual([413, 'too much']);
    const failed = await errorOf(post(`http://127.0.0.1:${port}`));
    expect(failed.cause).toMatchObject({ stage: 'CONNECT' });
    const aborted = errorOf(post(`http://127.0.0.1:${port}`, { signal: aborting.signal }));
    aborting.abort(new Error('no longer wanted'));
    await aborted;
    await left.promise;
  });

  it('ends with its session', async () => {
    const { session, url } = await startUpstream((_request, response) => response.write('begun'));
    const response = await session.fetch(url);
    const body = errorOf(response.text());
    await session.close();
    expect((await body).cause).toMatchObject({ code: 'SESSION_LOST' });
    expect((await errorOf(session.fetch(url))).cause).toMatchObject({ code: 'SESSION_LOST' });
  });

  it('gives bytes to who brings memory of its own', async () => {
    const { session, url } = await startUpstream((_request, response) => response.end('abcdef'));
    const response = await session.fetch(url);
    const reader = response.body?.getReader({ mode: 'byob' });
    const first = await reader?.read(new Uint8Array(4));
    expect(Buffer.from(first?.value ?? []).toString()).toBe('abcd');
    const rest = await reader?.read(new Uint8Array(4));
    expect(Buffer.from(rest?.value ?? []).toString()).toBe('ef');
    expect((await reader?.read(new Uint8Array(4)))?.done).toBe(true);
    expect(await text(await bodyAsText(session, url))).toBe('abcdef');
  });
});

async function lengthOf({ body }: Response): Promise<number> {
  let length = 0;
  for await (const piece of body ?? []) length += piece.byteLength;
  return length;
}

async function bodyAsText(
  session: RemoteSession,
  url: string,
): Promise<ReadableStream<Uint8Array>> {
  const { body } = await session.fetch(url);
  if (body === null) throw new Error('it has no body');
  return body;
}
