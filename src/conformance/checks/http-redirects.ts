import { HttpStage } from '../../gen/runlet/v1/error_pb.ts';
import { Redirects } from '../../gen/runlet/v1/http_pb.ts';
import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check, Requirement } from '../check.ts';
import { handled } from '../clients.ts';
import type { CheckContext } from '../context.ts';
import {
  type Answer,
  answered,
  ask,
  both,
  Exchange,
  type HeadInit,
  headers,
} from '../exchanges.ts';
import { type Asked, Upstream } from '../upstream.ts';

const NEEDS: readonly Requirement[] = ['tunnels', 'http'];

const FAILED = 'UNAVAILABLE/HTTP_FAILED';

/** So many redirects are followed. */
const MOST = 10;

/** Headers that are for one origin alone. */
const PRIVATE = headers(
  ['authorization', 'Basic c2VjcmV0'],
  ['cookie', 'a=1'],
  ['proxy-authorization', 'Basic c2VjcmV0'],
  ['host', 'given.example'],
  ['x-own', '1'],
);

function redirect(asked: Asked, location: string, status = '302 Found'): void {
  asked.answer(status, [`location: ${location}`], 'elsewhere');
}

/** What came of a request that is answered with a redirect, and then with an answer. */
interface Redirected {
  readonly answer: Answer;
  readonly first: Asked;
  readonly second: Asked;
  readonly bodies: readonly string[];
}

/** Follows one redirect, to another path of the same origin unless that is given. */
async function redirected(
  context: CheckContext,
  init: HeadInit,
  status: string,
  elsewhere?: Upstream,
): Promise<Redirected> {
  const upstream = await Upstream.start(context);
  const answering = ask(context, { url: upstream.url('/first'), ...init });
  const serve = async (): Promise<Omit<Redirected, 'answer'>> => {
    const first = await upstream.next();
    const bodies = [(await first.body()).toString()];
    redirect(first, elsewhere?.url('/second') ?? '/second', status);
    const second = await (elsewhere ?? upstream).next();
    bodies.push((await second.body()).toString());
    second.answer('200 OK', [], 'there');
    return { first, second, bodies };
  };
  const [answer, served] = await both(answering, serve());
  return { answer, ...served };
}

/** Sends an upstream from one path to the next, so many times, and then answers. */
async function serveChain(upstream: Upstream, count: number): Promise<void> {
  for (let i = 0; i < count; i++) redirect(await upstream.next(), `/${i + 1}`);
  (await upstream.next()).answer('200 OK', [], 'there');
}

/** Answers that lead elsewhere. */
export const httpRedirects: readonly Check[] = [
  {
    id: 'HTTP-40',
    title: 'A redirect is followed, and it is told which URLs were asked and which answered',
    clause: 'HttpResponseHead.redirected_urls',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const answering = ask(context, { url: upstream.url('/a/b#fragment') });
      const serve = async (): Promise<void> => {
        redirect(await upstream.next(), 'c?d=1', '301 Moved Permanently');
        redirect(await upstream.next(), upstream.url('/e'), '308 Permanent Redirect');
        (await upstream.next()).answer('200 OK', [], 'there');
      };
      const [{ body, head }] = await both(answering, serve());
      ensureEqual([head.status, body.toString()], [200, 'there'], 'status and body');
      const asked = head.redirectedUrls.map((url) => url.replace(/#.*$/, ''));
      ensureEqual(asked, [upstream.url('/a/b'), upstream.url('/a/c?d=1')], 'redirected_urls');
      ensureEqual(head.finalUrl.replace(/#.*$/, ''), upstream.url('/e'), 'final_url');
    },
  },
  {
    id: 'HTTP-41',
    title: 'A redirect is the answer where it is not to be followed',
    clause: 'REDIRECTS_STOP',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const answering = ask(context, { url: upstream.url('/a'), redirects: Redirects.STOP });
      await answered(upstream, (asked) => redirect(asked, '/elsewhere'));
      void handled(answered(upstream, (asked) => asked.answer('200 OK')));
      const { body, head } = await answering;
      ensureEqual([head.status, body.toString()], [302, 'elsewhere'], 'status and body');
      ensureEqual(head.finalUrl, upstream.url('/a'), 'final_url');
      ensureEqual(head.redirectedUrls, [], 'redirected_urls');
    },
  },
  {
    id: 'HTTP-42',
    title: 'After 303, and after 301 and 302 of POST, it is a GET without a body',
    clause: 'REDIRECTS_FOLLOW',
    needs: NEEDS,
    async run(context) {
      for (const [status, method] of [
        ['303 See Other', 'PUT'],
        ['301 Moved Permanently', 'POST'],
        ['302 Found', 'POST'],
      ] as const) {
        const { bodies, first, second } = await redirected(
          context,
          { method, body: Buffer.from('content') },
          status,
        );
        const methods = [first.method, second.method];
        ensureEqual(methods, [method, 'GET'], `the methods around ${status}`);
        ensureEqual(bodies, ['content', ''], `the bodies around ${status}`);
      }
    },
  },
  {
    id: 'HTTP-43',
    title: 'After 307 and 308, and after 302 of another method than POST, all is sent again',
    clause: 'Redirects',
    needs: NEEDS,
    async run(context) {
      for (const [status, method] of [
        ['307 Temporary Redirect', 'POST'],
        ['308 Permanent Redirect', 'PUT'],
        ['302 Found', 'PUT'],
      ] as const) {
        const { bodies, second } = await redirected(
          context,
          { method, body: Buffer.from('content') },
          status,
        );
        ensureEqual(second.method, method, `the method after ${status}`);
        ensureEqual(bodies, ['content', 'content'], `the bodies around ${status}`);
      }
    },
  },
  {
    id: 'HTTP-44',
    title: 'A body that was streamed is not sent again: 307 fails',
    clause: 'HTTP_STAGE_REDIRECT',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const exchange = Exchange.begin(context, { method: 'POST', url: upstream.url() });
      exchange.body('content');
      exchange.end();
      const asked = await upstream.next();
      await asked.body();
      redirect(asked, '/again', '307 Temporary Redirect');
      const { httpFailure } = await ensureFails(exchange.answer(), FAILED, 'the call');
      const { code, stage } = httpFailure ?? {};
      ensureEqual([stage, code], [HttpStage.REDIRECT, 'STREAMED_BODY'], 'stage and code');
    },
  },
  {
    id: 'HTTP-45',
    title: 'Ten redirects are followed, and one more fails',
    clause: 'REDIRECTS_FOLLOW',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const enough = ask(context, { url: upstream.url('/0') });
      const [{ head }] = await both(enough, serveChain(upstream, MOST));
      ensureEqual(head.finalUrl, upstream.url(`/${MOST}`), 'final_url');
      const tooMany = ask(context, { url: upstream.url('/0') });
      void handled(serveChain(upstream, MOST + 1));
      const { httpFailure } = await ensureFails(tooMany, FAILED, 'one more');
      const { code, stage } = httpFailure ?? {};
      ensureEqual([stage, code], [HttpStage.REDIRECT, 'TOO_MANY'], 'stage and code');
    },
  },
  {
    id: 'HTTP-46',
    title: 'A redirect to where it came from, and one to another scheme, fail',
    clause: 'HttpFailure.code',
    needs: NEEDS,
    async run(context) {
      for (const [location, expected] of [
        ['/first', /^(?:LOOP|TOO_MANY)$/],
        ['ftp://127.0.0.1/', /^SCHEME$/],
        ['file:///etc/passwd', /^SCHEME$/],
      ] as const) {
        const upstream = await Upstream.start(context);
        const asking = ask(context, { url: upstream.url('/first') });
        const serve = async (): Promise<void> => {
          for (let i = 0; i <= MOST; i++) redirect(await upstream.next(), location);
        };
        void handled(serve());
        const { httpFailure } = await ensureFails(asking, FAILED, `a redirect to ${location}`);
        ensureEqual(httpFailure?.stage, HttpStage.REDIRECT, `the stage for ${location}`);
        const code = httpFailure?.code ?? '';
        ensureEqual(
          [code].filter((it) => !expected.test(it)),
          [],
          `the code for ${location}`,
        );
      }
    },
  },
  {
    id: 'HTTP-47',
    title: 'Headers that are for one origin alone are left out for another, and kept for the same',
    clause: 'REDIRECTS_FOLLOW',
    needs: NEEDS,
    async run(context) {
      const elsewhere = await Upstream.start(context);
      const init = { headers: PRIVATE };
      const { second } = await redirected(context, init, '302 Found', elsewhere);
      const values = (asked: Asked): unknown =>
        ['authorization', 'cookie', 'proxy-authorization', 'host', 'x-own'].map((name) =>
          asked.values(name).join(),
        );
      ensureEqual(
        values(second),
        ['', '', '', elsewhere.authority, '1'],
        'what another origin gets',
      );
      const same = await redirected(context, init, '302 Found');
      ensureEqual(values(same.second), values(same.first), 'what the same origin gets');
    },
  },
  {
    id: 'HTTP-48',
    title: 'A redirect to what may not be reached is denied',
    clause: 'HTTP_STAGE_DENIED',
    needs: NEEDS,
    async run(context) {
      for (const location of ['http://169.254.169.254/latest', 'http://[::ffff:a9fe:a9fe]/']) {
        const upstream = await Upstream.start(context);
        const asking = ask(context, { url: upstream.url() });
        await Promise.race([asking, answered(upstream, (asked) => redirect(asked, location))]);
        const denied = 'PERMISSION_DENIED/EGRESS_DENIED';
        const { httpFailure } = await ensureFails(asking, denied, `a redirect to ${location}`);
        ensureEqual(httpFailure?.stage, HttpStage.DENIED, 'the stage');
      }
    },
  },
];
