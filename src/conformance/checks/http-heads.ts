import { ensure, ensureEqual, ensureFails, ensureInvalid } from '../assert.ts';
import type { Check, Requirement } from '../check.ts';
import { ask, Exchange, exchanged, type HeadInit, headers, headOf, rawOf } from '../exchanges.ts';
import { Upstream } from '../upstream.ts';

const NEEDS: readonly Requirement[] = ['tunnels', 'http'];

const INVALID = 'INVALID_ARGUMENT/INVALID_REQUEST';

/** Headers that are added where they are missing: the host, what frames a message and keeps a connection. */
const ADDED = new Set(['host', 'content-length', 'transfer-encoding', 'connection']);

/** Those of the connection itself. */
const HOP_BY_HOP = [
  ...['connection', 'transfer-encoding', 'upgrade', 'te', 'trailer', 'keep-alive'],
  ...['proxy-connection', 'http2-settings', 'expect'],
];

/** Requests, and the heads of answers. */
export const httpHeads: readonly Check[] = [
  {
    id: 'HTTP-01',
    title: 'An answer is a head, then a body, then its end',
    clause: 'RequestResponse',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const exchange = Exchange.begin(context, { url: upstream.url('/a?b=c') });
      exchange.end();
      const asked = await upstream.next();
      asked.answer('201 Created', ['x-one: 1'], 'content');
      const head = await exchange.head();
      ensureEqual(head.status, 201, 'the status');
      ensureEqual(head.httpVersion, '1.1', 'the version');
      const { body, end } = await exchange.rest();
      ensureEqual(body.toString(), 'content', 'the body');
      ensureEqual([end.truncated, end.trailers.length], [false, 0], 'truncated, and trailers');
      ensureEqual(head.finalUrl, upstream.url('/a?b=c'), 'final_url');
      ensureEqual(head.redirectedUrls, [], 'redirected_urls');
    },
  },
  {
    id: 'HTTP-02',
    title: 'Method, path and query are sent as they are given',
    clause: 'HttpRequestHead.method',
    needs: NEEDS,
    async run(context) {
      for (const method of ['DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'pUrGe']) {
        const path = '/a%2Fb/%C3%A9?q=1&q=%20x';
        const { asked } = await exchanged(context, { method }, undefined, `${path}#fragment`);
        ensureEqual([asked.method, asked.target], [method, path], 'what was asked for');
      }
    },
  },
  {
    id: 'HTTP-03',
    title: 'Headers are sent in their order, as often as they come, with the bytes that they have',
    clause: 'HttpRequestHead.headers',
    needs: NEEDS,
    async run(context) {
      const sent = [
        ['x-b', '1'],
        ['x-a', 'caf\u00e9 \u00ff'],
        ['x-b', '2'],
        ['cookie', 'a=1'],
        ['x-empty', ''],
        ['x-b', 'with\ttab'],
      ] as const;
      const { asked } = await exchanged(context, { headers: headers(...sent) });
      const names = new Set<string>(sent.map(([name]) => name));
      const got = asked.headers
        .map(([name, value]) => [name.toLowerCase(), value] as const)
        .filter(([name]) => names.has(name));
      ensureEqual(got, sent, 'the headers that arrived');
    },
  },
  {
    id: 'HTTP-04',
    title: 'No header is added but the host and those of framing and the connection',
    clause: 'HttpRequestHead.headers',
    needs: NEEDS,
    async run(context) {
      const { asked } = await exchanged(context, {
        method: 'POST',
        headers: headers(['x-own', '1']),
        body: Buffer.from('x'),
      });
      const others = asked.names.filter((name) => !ADDED.has(name));
      ensureEqual(others, ['x-own'], 'the headers beside those');
    },
  },
  {
    id: 'HTTP-05',
    title: 'A host that is given is sent, and one that is not is that of the URL',
    clause: 'HttpRequestHead.url',
    needs: NEEDS,
    async run(context) {
      const given = await exchanged(context, { headers: headers(['host', 'other.example']) });
      ensureEqual(given.asked.values('host'), ['other.example'], 'the host that was given');
      const upstream = await Upstream.start(context);
      const asking = ask(context, { url: upstream.url() });
      const asked = await upstream.next();
      asked.answer('200 OK');
      await asking;
      ensureEqual(asked.values('host'), [upstream.authority], 'the host of the URL');
    },
  },
  {
    id: 'HTTP-06',
    title: 'Headers of an answer are told in their order, as often as they come, with their bytes',
    clause: 'HttpResponseHead.headers',
    needs: NEEDS,
    async run(context) {
      const { answer } = await exchanged(context, {}, (asked) => {
        const fields = ['Set-Cookie: a=1', 'X-B: caf\u00e9 \u00ff', 'Set-Cookie: b=2', 'x-b: 2'];
        asked.answer('200 OK', fields);
      });
      const told = rawOf(answer.head.headers).slice(0, 4);
      const expected = [
        ['set-cookie', 'a=1'],
        ['x-b', 'caf\u00e9 \u00ff'],
        ['set-cookie', 'b=2'],
        ['x-b', '2'],
      ];
      ensureEqual(told, expected, 'the headers');
    },
  },
  {
    id: 'HTTP-07',
    title: 'Answers that are informational are not told',
    clause: 'HttpResponseHead',
    needs: NEEDS,
    async run(context) {
      const { answer } = await exchanged(context, {}, (asked) => {
        asked.head('100 Continue');
        asked.head('103 Early Hints', 'link: </style.css>', 'x-early: 1');
        asked.answer('200 OK', ['x-late: 1'], 'content');
      });
      ensureEqual(answer.head.status, 200, 'the status');
      const names = answer.head.headers.map(({ name }) => name).filter((name) => /^x-/.test(name));
      ensureEqual(names, ['x-late'], 'the headers');
      ensureEqual(answer.body.toString(), 'content', 'the body');
    },
  },
  {
    id: 'HTTP-08',
    title: 'An answer to HEAD, and one of 204 or 304, has no body, whatever its headers say',
    clause: 'HttpResponseEnd',
    needs: NEEDS,
    async run(context) {
      const cases = [
        ['HEAD', '200 OK', 'content-length: 5'],
        ['GET', '204 No Content', 'x-none: 1'],
        ['GET', '304 Not Modified', 'content-length: 5'],
      ] as const;
      for (const [method, status, field] of cases) {
        const { answer } = await exchanged(context, { method }, (asked) => {
          asked.head(status, field, 'connection: close');
          asked.tunnel.eof();
        });
        ensureEqual(answer.body.length, 0, `bytes of the body of ${status}`);
        const [name = ''] = field.split(':');
        const told = answer.head.headers.map((each) => each.name);
        ensure(told.includes(name), `${name} of the answer ${status} is missing`);
      }
    },
  },
  {
    id: 'HTTP-09',
    title: 'What follows a body is told at its end, in its order',
    clause: 'HttpResponseEnd.trailers',
    needs: NEEDS,
    async run(context) {
      const { answer } = await exchanged(context, {}, (asked) => {
        asked.head('200 OK', 'transfer-encoding: chunked', 'connection: close');
        asked.say('3\r\nabc\r\n0\r\nX-Sum: 1\r\nx-more: caf\u00e9\r\nx-sum: 2\r\n\r\n');
        asked.tunnel.eof();
      });
      ensureEqual(answer.body.toString(), 'abc', 'the body');
      const expected = [
        ['x-sum', '1'],
        ['x-more', 'caf\u00e9'],
        ['x-sum', '2'],
      ];
      ensureEqual(rawOf(answer.end.trailers), expected, 'the trailers');
    },
  },
  {
    id: 'HTTP-10',
    title: 'An answer of HTTP/1.0 is as long as its connection, and says its version',
    clause: 'HttpResponseHead.http_version',
    needs: NEEDS,
    async run(context) {
      const { answer } = await exchanged(context, {}, (asked) => {
        asked.say('HTTP/1.0 200 OK\r\nx-old: 1\r\n\r\ncontent to the end');
        asked.tunnel.eof();
      });
      ensureEqual(answer.head.httpVersion, '1.0', 'the version');
      ensureEqual(answer.body.toString(), 'content to the end', 'the body');
    },
  },
  {
    id: 'HTTP-11',
    title: 'A request that cannot be sent is refused, and names the field',
    clause: 'HttpRequestHead',
    needs: NEEDS,
    async run(context) {
      const url = 'http://127.0.0.1:1/';
      const cases: readonly (readonly [string, HeadInit, RegExp])[] = [
        ['no method', { url, method: '' }, /method$/],
        ['a method with a space', { url, method: 'GET /' }, /method$/],
        ['CONNECT', { url, method: 'CONNECT' }, /method$/],
        ['no URL', { url: '' }, /url$/],
        ['a relative URL', { url: '/path' }, /url$/],
        ['another scheme', { url: 'file:///etc/passwd' }, /url$/],
        ['a user', { url: 'http://user:secret@127.0.0.1:1/' }, /url$/],
        ['a name with a colon', { url, headers: headers(['a:b', '1']) }, /headers/],
        ['no name', { url, headers: headers(['', '1']) }, /headers/],
        ['a line end in a value', { url, headers: headers(['a', '1\r\nb: 2']) }, /headers/],
        ['a NUL in a value', { url, headers: headers(['a', '\0']) }, /headers/],
        ['no session', { url, sessionId: 'nothing' }, /session_id$/],
        ['no time', { url, timeout: { seconds: 0n, nanos: 0 } }, /timeout$/],
        ['an unknown credential', { url, credential: 'nobody-has-it' }, /credential$/],
      ];
      for (const [what, init, field] of cases) await ensureInvalid(ask(context, init), field, what);
    },
  },
  {
    id: 'HTTP-12',
    title: 'Headers of the connection itself are refused',
    clause: 'HttpHeader.name',
    needs: NEEDS,
    async run(context) {
      for (const name of HOP_BY_HOP) {
        const init = { url: 'http://127.0.0.1:1/', headers: headers([name, 'x']) };
        await ensureInvalid(ask(context, init), /headers/, name);
      }
    },
  },
  {
    id: 'HTTP-13',
    title: 'Messages of a request that are out of order are refused',
    clause: 'RequestRequest.head',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const head = headOf(context, { method: 'POST', url: upstream.url() });
      const short = headOf(context, {
        method: 'POST',
        url: upstream.url(),
        body: Buffer.from('x'),
      });
      const body = { request: { case: 'body' as const, value: Buffer.from('x') } };
      const end = { request: { case: 'end' as const, value: {} } };
      const cases = {
        'a body before the head': new Exchange(context, body),
        'an end before the head': new Exchange(context, end),
        'a second head': new Exchange(context, head, head),
        'a body beside that of the head': new Exchange(context, short, body),
      };
      for (const [what, exchange] of Object.entries(cases)) {
        await ensureFails(exchange.answer(), INVALID, what);
      }
    },
  },
];
