import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { HttpStage } from '../../gen/runlet/v1/error_pb.ts';
import { ensure, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check, Requirement } from '../check.ts';
import { answered, ask, both, Exchange, ensureGone, exchanged, headers } from '../exchanges.ts';
import { type Asked, Upstream } from '../upstream.ts';

const NEEDS: readonly Requirement[] = ['tunnels', 'http'];

const FAILED = 'UNAVAILABLE/HTTP_FAILED';

/** Bytes of a body of many messages. */
const BULK = Buffer.from(Array.from({ length: 1024 * 1024 }, (_, i) => (i * i + (i >> 8)) % 251));

const TEXT = 'all of the content, '.repeat(100);

const COMPRESSED = {
  gzip: gzipSync(TEXT),
  'x-gzip': gzipSync(TEXT),
  deflate: deflateSync(TEXT),
  br: brotliCompressSync(TEXT),
};

/** A part of a body, after which the connection ends. */
const CUT: Readonly<Record<string, (asked: Asked) => void>> = {
  'a body with a length': (asked) => {
    asked.head('200 OK', 'content-length: 10');
    asked.say('part');
    asked.tunnel.eof();
  },
  'a body in chunks': (asked) => {
    asked.head('200 OK', 'transfer-encoding: chunked');
    asked.say('4\r\npart\r\n');
    asked.tunnel.eof();
  },
  'a chunk in the middle': (asked) => {
    asked.head('200 OK', 'transfer-encoding: chunked');
    asked.say('9\r\npart');
    asked.tunnel.eof();
  },
};

/** Bodies of both directions. */
export const httpBodies: readonly Check[] = [
  {
    id: 'HTTP-20',
    title: 'A short body is sent with its length',
    clause: 'HttpRequestHead.body',
    needs: NEEDS,
    async run(context) {
      let body = '';
      const init = { method: 'POST', body: Buffer.from('content') };
      const { asked } = await exchanged(context, init, async (it) => {
        body = (await it.body()).toString();
        it.answer('200 OK');
      });
      ensureEqual([asked.values('content-length'), body], [['7'], 'content'], 'length and body');
    },
  },
  {
    id: 'HTTP-21',
    title: 'A body that is streamed is sent in chunks, as it comes',
    clause: 'RequestRequest.body',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const exchange = Exchange.begin(context, { method: 'POST', url: upstream.url() });
      exchange.body('one');
      const asked = await upstream.next();
      ensureEqual(asked.values('transfer-encoding'), ['chunked'], 'transfer-encoding');
      ensureEqual((await asked.chunk()).toString(), 'one', 'what comes first');
      exchange.body('and two');
      ensureEqual((await asked.chunk()).toString(), 'and two', 'what comes next');
      exchange.end();
      ensureEqual((await asked.chunk()).length, 0, 'bytes of the last chunk');
      asked.answer('200 OK');
      await exchange.answer();
    },
  },
  {
    id: 'HTTP-22',
    title: 'A body that is streamed is sent with the length that is given',
    clause: 'HttpRequestHead.headers',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const init = { url: upstream.url(), headers: headers(['content-length', '6']) };
      const exchange = Exchange.begin(context, { method: 'PUT', ...init });
      exchange.body('abc');
      const asked = await upstream.next();
      ensureEqual(asked.values('content-length'), ['6'], 'content-length');
      ensureEqual(asked.values('transfer-encoding'), [], 'transfer-encoding');
      exchange.body('def');
      exchange.end();
      ensureEqual((await asked.body()).toString(), 'abcdef', 'the body');
      asked.answer('200 OK');
      await exchange.answer();
    },
  },
  {
    id: 'HTTP-23',
    title:
      'An answer that is early comes while the body is still sent, and the rest of that arrives',
    clause: 'HttpService.Request',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const exchange = Exchange.begin(context, { method: 'POST', url: upstream.url() });
      // It has the head go out.
      exchange.body('');
      const asked = await upstream.next();
      asked.head('200 OK', 'transfer-encoding: chunked', 'connection: close');
      ensureEqual((await exchange.head()).status, 200, 'the status');
      for (const word of ['one', 'two', 'six']) {
        exchange.body(word);
        ensureEqual((await asked.chunk()).toString(), word, 'what arrives');
        asked.say(`3\r\n${word}\r\n`);
        const message = await exchange.next();
        ensure(message?.case === 'body', `\`${message?.case}\` came instead of the body`);
        ensureEqual(Buffer.from(message.value).toString(), word, 'what comes back');
      }
      exchange.end();
      ensureEqual((await asked.chunk()).length, 0, 'bytes of the last chunk');
      asked.say('0\r\n\r\n');
      await exchange.rest();
    },
  },
  {
    id: 'HTTP-24',
    title: 'Large bodies arrive as they are, in both directions',
    clause: 'RequestResponse.body',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const exchange = Exchange.begin(context, { method: 'POST', url: upstream.url() });
      for (let at = 0; at < BULK.length; at += 99_991) {
        exchange.give({ request: { case: 'body', value: BULK.subarray(at, at + 99_991) } });
      }
      exchange.end();
      const echoed = answered(upstream, async (asked) => {
        asked.answer('200 OK', [], await asked.body());
      });
      const [{ body }] = await both(exchange.answer(), echoed);
      ensureEqual(body.equals(BULK), true, 'whether what came back is what was sent');
    },
  },
  {
    id: 'HTTP-25',
    title: 'A request without `end` is never whole for the one that gets it',
    clause: 'RequestRequest.end',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const exchange = Exchange.begin(context, { method: 'POST', url: upstream.url() });
      exchange.body('part');
      const asked = await upstream.next();
      ensureEqual((await asked.chunk()).toString(), 'part', 'what comes');
      exchange.leave();
      const { summary } = await outcomeOf(exchange.answer());
      ensureEqual(summary, 'CANCELLED', 'the call');
      await ensureGone(context, asked);
    },
  },
  {
    id: 'HTTP-26',
    title: 'No more than `max_body_bytes` of a body are told, and then that there was more',
    clause: 'HttpRequestHead.max_body_bytes',
    needs: NEEDS,
    async run(context) {
      for (const [most, expected, truncated] of [
        [4n, '0123', true],
        [10n, '0123456789', false],
        [0n, '', true],
      ] as const) {
        const { answer } = await exchanged(context, { maxBodyBytes: most }, (asked) =>
          asked.answer('200 OK', [], '0123456789'),
        );
        const { body, end } = answer;
        ensureEqual([body.toString(), end.truncated], [expected, truncated], `of at most ${most}`);
      }
    },
  },
  {
    id: 'HTTP-27',
    title: 'A body that is compressed is told as it came, with its headers',
    clause: 'HttpRequestHead.decompress',
    needs: NEEDS,
    async run(context) {
      const bytes = COMPRESSED.gzip;
      const { answer } = await exchanged(context, {}, (asked) =>
        asked.answer('200 OK', ['content-encoding: gzip'], bytes),
      );
      ensureEqual(answer.body.equals(bytes), true, 'whether it is as it came');
      const names = answer.head.headers.map(({ name }) => name);
      ensure(names.includes('content-encoding'), 'content-encoding is missing');
      ensure(names.includes('content-length'), 'content-length is missing');
    },
  },
  {
    id: 'HTTP-28',
    title: 'A body is told as it was before it was compressed where that is asked for',
    clause: 'HttpRequestHead.decompress',
    needs: NEEDS,
    async run(context) {
      for (const [encoding, bytes] of Object.entries(COMPRESSED)) {
        const { answer } = await exchanged(context, { decompress: true }, (asked) =>
          asked.answer('200 OK', ['x-own: 1', `content-encoding: ${encoding}`], bytes),
        );
        ensureEqual(answer.body.toString(), TEXT, `the content that was compressed by ${encoding}`);
        const names = new Set(answer.head.headers.map(({ name }) => name));
        const kept = ['x-own', 'content-encoding', 'content-length'].filter((it) => names.has(it));
        ensureEqual(kept, ['x-own'], 'the headers that are told');
      }
    },
  },
  {
    id: 'HTTP-29',
    title: 'A body that is cut never ends as one that is whole',
    clause: 'HTTP_STAGE_BODY',
    needs: NEEDS,
    async run(context) {
      for (const [what, cut] of Object.entries(CUT)) {
        const upstream = await Upstream.start(context);
        const exchange = Exchange.begin(context, { url: upstream.url() });
        exchange.end();
        cut(await upstream.next());
        const { httpFailure } = await ensureFails(exchange.answer(), FAILED, what);
        ensureEqual(httpFailure?.stage, HttpStage.BODY, `the stage of ${what}`);
        ensureEqual(httpFailure?.target, upstream.authority, `the target of ${what}`);
      }
    },
  },
  {
    id: 'HTTP-30',
    title: 'Cookies are not kept from one request to the next',
    clause: 'HttpService',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const first = ask(context, { url: upstream.url() });
      await answered(upstream, (asked) => asked.answer('200 OK', ['set-cookie: a=1; path=/']));
      await first;
      const second = ask(context, { url: upstream.url() });
      const asked = await answered(upstream, (it) => it.answer('200 OK'));
      await second;
      ensureEqual(asked.values('cookie'), [], 'the cookies of the next request');
    },
  },
];
