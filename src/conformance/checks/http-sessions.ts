import { randomUUID } from 'node:crypto';
import { ensure, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check, Requirement } from '../check.ts';
import type { CheckContext } from '../context.ts';
import {
  answered,
  ask,
  both,
  Exchange,
  ensureGone,
  exchanged,
  type HeadInit,
} from '../exchanges.ts';
import { ensureHeartbeat } from '../heartbeat.ts';
import { type Asked, Upstream } from '../upstream.ts';

const NEEDS: readonly Requirement[] = ['tunnels', 'http'];

const SUPERSEDED = 'ABORTED/ATTACHMENT_SUPERSEDED';

/** Requests that are begun at one time: fewer than connections of a listener may wait. */
const AT_ONCE = 32;

/** A request in the middle of its answer. */
interface Half {
  readonly exchange: Exchange;
  readonly asked: Asked;
}

/** Sends a request, of whose answer the head and a part of the body have come. */
async function halfWay(context: CheckContext, init: HeadInit = {}): Promise<Half> {
  const upstream = await Upstream.start(context);
  const exchange = Exchange.begin(context, { url: upstream.url(), ...init });
  exchange.end();
  const asked = await upstream.next();
  asked.head('200 OK', 'content-length: 10');
  asked.say('part');
  await exchange.head();
  return { exchange, asked };
}

/** Requests of a session, and of its attachments. */
export const httpSessions: readonly Check[] = [
  {
    id: 'HTTP-80',
    title: 'No request is sent in a session that there is not',
    clause: 'HttpRequestHead.session_id',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const call = ask(context, { sessionId: randomUUID(), url: upstream.url('/never') });
      await ensureFails(call, 'NOT_FOUND/SESSION_NOT_FOUND', 'a session that there is not');
      await ensureUnasked(context, upstream);
    },
  },
  {
    id: 'HTTP-81',
    title: 'A session that is closed ends its requests, and their connections',
    clause: 'ERROR_REASON_SESSION_CLOSED',
    needs: NEEDS,
    async run(context) {
      const sessionId = await context.createSession();
      const { asked, exchange } = await halfWay(context, { sessionId });
      await context.sessions.closeSession({ sessionId });
      await ensureFails(exchange.rest(), 'NOT_FOUND/SESSION_CLOSED', 'the request');
      await ensureGone(context, asked);
    },
  },
  {
    id: 'HTTP-82',
    title: 'Requests of an attachment end when another takes over',
    clause: 'HttpRequestHead.attachment_id',
    needs: NEEDS,
    async run(context) {
      const { id: attachmentId } = await context.attach();
      const { asked, exchange } = await halfWay(context, { attachmentId });
      await context.attach({}, context.otherClients());
      await ensureFails(exchange.rest(), SUPERSEDED, 'the request');
      await ensureGone(context, asked);
    },
  },
  {
    id: 'HTTP-83',
    title: 'Later requests of the older attachment are not sent',
    clause: 'ERROR_REASON_ATTACHMENT_SUPERSEDED',
    needs: NEEDS,
    async run(context) {
      const { id: attachmentId } = await context.attach();
      await context.attach({}, context.otherClients());
      const upstream = await Upstream.start(context);
      const call = ask(context, { attachmentId, url: upstream.url('/never') });
      await ensureFails(call, SUPERSEDED, 'the request');
      await ensureUnasked(context, upstream);
    },
  },
  {
    id: 'HTTP-84',
    title: 'Requests that carry no attachment go on through a take-over',
    clause: 'docs/sessions.md#fencing',
    needs: NEEDS,
    async run(context) {
      await context.attach();
      const { asked, exchange } = await halfWay(context);
      const { id: attachmentId } = await context.attach({}, context.otherClients());
      asked.say('-whole');
      ensureEqual((await exchange.rest()).body.toString(), 'part-whole', 'the body');
      const { answer } = await exchanged(context, { attachmentId });
      ensureEqual(answer.head.status, 200, 'the status of one of the latest attachment');
    },
  },
  {
    id: 'HTTP-85',
    title:
      'A request that is cancelled ends its connection, while its answer is waited for and after',
    clause: 'HttpService.Request',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const waiting = Exchange.begin(context, { url: upstream.url() });
      waiting.end();
      const asked = await upstream.next();
      waiting.leave();
      ensureEqual((await outcomeOf(waiting.answer())).summary, 'CANCELLED', 'the first');
      await ensureGone(context, asked);
      const half = await halfWay(context);
      half.exchange.leave();
      ensureEqual((await outcomeOf(half.exchange.rest())).summary, 'CANCELLED', 'the second');
      await ensureGone(context, half.asked);
    },
  },
  {
    id: 'HTTP-86',
    title: 'An answer that is silent carries a message without any, now and then',
    clause: 'RequestResponse',
    needs: [...NEEDS, 'heartbeats'],
    async run(context) {
      const upstream = await Upstream.start(context);
      const exchange = Exchange.begin(context, { url: upstream.url() });
      exchange.end();
      const asked = await upstream.next();
      const beat = await ensureHeartbeat(context, exchange.nextOfAll());
      ensureEqual((beat as { readonly case?: string }).case, undefined, 'the message');
      asked.answer('200 OK', [], 'late');
      ensureEqual((await exchange.answer()).body.toString(), 'late', 'the body');
    },
  },
  {
    id: 'HTTP-87',
    title: 'A session has so many requests under way as the server says, and no more',
    clause: 'Limits.max_session_http_requests',
    needs: NEEDS,
    async run(context) {
      const most = context.info.limits?.maxSessionHttpRequests ?? 0;
      ensure(most > 0, 'max_session_http_requests is absent');
      const upstream = await Upstream.start(context);
      const begin = async (): Promise<Half> => {
        const exchange = Exchange.begin(context, { url: upstream.url() });
        exchange.end();
        return { exchange, asked: await upstream.next() };
      };
      const first = await begin();
      for (let underWay = 1; underWay < most; underWay += AT_ONCE) {
        const count = Math.min(AT_ONCE, most - underWay);
        await Promise.all(Array.from({ length: count }, begin));
      }
      const call = ask(context, { url: upstream.url() });
      await ensureFails(call, 'RESOURCE_EXHAUSTED/LIMIT_EXCEEDED', 'one more');
      first.asked.answer('200 OK');
      await first.exchange.answer();
      const [answer] = await both(
        ask(context, { url: upstream.url() }),
        answered(upstream, (asked) => asked.answer('204 No Content')),
      );
      ensureEqual(answer.head.status, 204, 'the status of one when another is over');
    },
  },
];

/** The first that an upstream is asked for is something else than what it must never be. */
async function ensureUnasked(context: CheckContext, upstream: Upstream): Promise<void> {
  const asking = ask(context, { url: upstream.url('/first') });
  const asked = await upstream.next();
  ensureEqual(asked.target, '/first', 'what the upstream is asked for first');
  asked.answer('200 OK');
  await asking;
}
