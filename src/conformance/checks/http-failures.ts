import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { HttpStage } from '../../gen/runlet/v1/error_pb.ts';
import { ensure, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check, Requirement } from '../check.ts';
import { handled } from '../clients.ts';
import type { CheckContext } from '../context.ts';
import { answered, ask, Exchange, type HeadInit } from '../exchanges.ts';
import { type Asked, Upstream } from '../upstream.ts';

const NEEDS: readonly Requirement[] = ['tunnels', 'http'];

const FAILED = 'UNAVAILABLE/HTTP_FAILED';

/** Milliseconds that something may take that takes for ever. */
const SHORT_MS = 300;

const SHORT = durationFromMs(SHORT_MS);

/** Within how many milliseconds of the server it is over then, on a machine that does much else. */
const CONNECTED_WITHIN_MS = 5_000;

/** What nobody may reach unless the operator says so, in the forms in which it can be written. */
const METADATA = [
  'http://169.254.169.254/latest/meta-data/',
  'https://169.254.169.254/',
  'http://169.254.169.254.:80/',
  'http://2852039166/',
  'http://0xa9.0376.43518/',
  'http://[::ffff:169.254.169.254]/',
  'http://[64:ff9b::169.254.169.254]/',
  'http://[fd00:ec2::254]/',
  'http://[fe80::1]/',
  'http://100.100.100.200/',
];

/** How a request fails that an upstream gets and does something with, with its stage and code. */
async function failureOf(
  context: CheckContext,
  respond: (asked: Asked) => void,
  what: string,
  init: HeadInit = {},
): Promise<readonly unknown[]> {
  const upstream = await Upstream.start(context);
  const exchange = Exchange.begin(context, { url: upstream.url(), ...init });
  exchange.end();
  // It may be over before it gets there, where the machine does much else.
  void handled(answered(upstream, respond));
  const { httpFailure } = await ensureFails(exchange.answer(), FAILED, what);
  ensureEqual(httpFailure?.target, upstream.authority, `the target of ${what}`);
  return [httpFailure?.stage, httpFailure?.code];
}

/** How long something takes, in milliseconds, of which only a lower bound can be told. */
async function timed<T>(run: () => Promise<T>): Promise<readonly [T, number]> {
  const began = performance.now();
  return [await run(), performance.now() - began];
}

/** Answers that there are not. */
export const httpFailures: readonly Check[] = [
  {
    id: 'HTTP-60',
    title: 'A connection that is refused fails with the stage and the name of the error',
    clause: 'HTTP_STAGE_CONNECT',
    needs: NEEDS,
    async run(context) {
      const call = ask(context, { url: 'http://127.0.0.1:1/path?secret' });
      const { httpFailure } = await ensureFails(call, FAILED, 'a port where nobody listens');
      const { code, message = '', stage, target } = httpFailure ?? {};
      const expected = [HttpStage.CONNECT, 'ECONNREFUSED', '127.0.0.1:1'];
      ensureEqual([stage, code, target], expected, 'stage, code and target');
      ensure(!/secret|path/.test(message), `the message tells of the path: ${message}`);
    },
  },
  {
    id: 'HTTP-61',
    title: 'A name that there is not fails at the stage of looking it up',
    clause: 'HTTP_STAGE_DNS',
    needs: NEEDS,
    async run(context) {
      const call = ask(context, { url: 'https://nowhere.invalid/' });
      const { httpFailure } = await ensureFails(call, FAILED, 'a name that there is not');
      const { stage, target } = httpFailure ?? {};
      ensureEqual([stage, target], [HttpStage.DNS, 'nowhere.invalid:443'], 'stage and target');
    },
  },
  {
    id: 'HTTP-62',
    title: 'A server that speaks no TLS fails at the stage of agreeing on it',
    clause: 'HTTP_STAGE_TLS',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const call = ask(context, { url: upstream.url().replace('http:', 'https:') });
      const tunnel = await upstream.accept();
      tunnel.send('HTTP/1.1 400 Bad Request\r\n\r\n');
      tunnel.eof();
      const { httpFailure } = await ensureFails(call, FAILED, 'a server without TLS');
      const { stage, target } = httpFailure ?? {};
      ensureEqual([stage, target], [HttpStage.TLS, upstream.authority], 'stage and target');
    },
  },
  {
    id: 'HTTP-63',
    title: 'A connection that ends without an answer, or is reset, fails at the stage of its head',
    clause: 'HTTP_STAGE_HEADER',
    needs: NEEDS,
    async run(context) {
      const ends: Readonly<Record<string, (asked: Asked) => void>> = {
        'no answer': ({ tunnel }) => tunnel.eof(),
        'half a head': (asked) => {
          asked.say('HTTP/1.1 200 OK\r\nx-half: 1\r\n');
          asked.tunnel.eof();
        },
        'a reset': ({ tunnel }) => tunnel.leave(),
      };
      for (const [what, end] of Object.entries(ends)) {
        const [stage] = await failureOf(context, end, what);
        ensureEqual(stage, HttpStage.HEADER, `the stage of ${what}`);
      }
    },
  },
  {
    id: 'HTTP-64',
    title: 'What is no answer of HTTP fails at the stage of its head',
    clause: 'HttpFailure.stage',
    needs: NEEDS,
    async run(context) {
      const garbage = (asked: Asked): void => {
        asked.say('SSH-2.0-OpenSSH_9.0\r\n\r\n');
        asked.tunnel.eof();
      };
      const failure = await failureOf(context, garbage, 'another protocol');
      ensureEqual(failure, [HttpStage.HEADER, 'INVALID_RESPONSE'], 'stage and code');
    },
  },
  {
    id: 'HTTP-65',
    title: 'A head that is larger than the server takes fails, and says so',
    clause: 'Limits.max_http_header_bytes',
    needs: NEEDS,
    async run(context) {
      const most = context.info.limits?.maxHttpHeaderBytes ?? 0;
      ensure(most > 0, 'max_http_header_bytes is absent');
      const flood = (asked: Asked): void => {
        asked.answer('200 OK', [`x-large: ${'x'.repeat(most)}`]);
      };
      const failure = await failureOf(context, flood, 'a large head');
      ensureEqual(failure, [HttpStage.HEADER, 'HEADER_OVERFLOW'], 'stage and code');
    },
  },
  {
    id: 'HTTP-66',
    title: 'A head that takes longer than it may fails',
    clause: 'HttpRequestHead.header_timeout',
    needs: NEEDS,
    async run(context) {
      const init = { headerTimeout: SHORT };
      const [failure, ms] = await timed(() => failureOf(context, () => {}, 'a slow head', init));
      ensureEqual(failure, [HttpStage.TIMEOUT, 'HEADER'], 'stage and code');
      ensure(ms >= SHORT_MS, `it was over after ${ms} ms`);
    },
  },
  {
    id: 'HTTP-67',
    title: 'A body that brings nothing for longer than it may fails',
    clause: 'HttpRequestHead.idle_timeout',
    needs: NEEDS,
    async run(context) {
      const stall = (asked: Asked): void => {
        asked.head('200 OK', 'content-length: 10');
        asked.say('part');
      };
      const init = { idleTimeout: SHORT };
      const [failure, ms] = await timed(() => failureOf(context, stall, 'a stalled body', init));
      ensureEqual(failure, [HttpStage.TIMEOUT, 'IDLE'], 'stage and code');
      ensure(ms >= SHORT_MS, `it was over after ${ms} ms`);
    },
  },
  {
    id: 'HTTP-68',
    title: 'A request that takes longer than it may fails, wherever it is',
    clause: 'HttpRequestHead.timeout',
    needs: NEEDS,
    async run(context) {
      const cases: Readonly<Record<string, (asked: Asked) => void>> = {
        'no head': () => {},
        'no end': (asked) => {
          asked.head('200 OK', 'content-length: 10');
          asked.say('part');
        },
      };
      for (const [what, stall] of Object.entries(cases)) {
        // Long enough for the upstream to be asked on a machine that does much else.
        const ms = 4 * SHORT_MS;
        const init = { timeout: durationFromMs(ms) };
        const [failure, took] = await timed(() => failureOf(context, stall, what, init));
        ensureEqual(failure, [HttpStage.TIMEOUT, 'TOTAL'], `stage and code of ${what}`);
        ensure(took >= ms, `it was over after ${took} ms`);
      }
    },
  },
  {
    id: 'HTTP-69',
    title: 'Addresses of the link and of metadata services are denied unless the operator says so',
    clause: 'ERROR_REASON_EGRESS_DENIED',
    needs: NEEDS,
    async run(context) {
      for (const url of METADATA) {
        const denied = 'PERMISSION_DENIED/EGRESS_DENIED';
        const { httpFailure } = await ensureFails(ask(context, { url }), denied, url);
        ensureEqual(httpFailure?.stage, HttpStage.DENIED, `the stage for ${url}`);
        ensure(httpFailure?.target !== '', `the target for ${url} is missing`);
      }
    },
  },
  {
    id: 'HTTP-70',
    title: 'A connection over which TLS is not agreed on within its time fails, and ends',
    clause: 'HttpRequestHead.connect_timeout',
    needs: NEEDS,
    async run(context) {
      const upstream = await Upstream.start(context);
      const url = upstream.url().replace('http:', 'https:');
      // Long enough for the upstream to be reached on a machine that does much else.
      const leastMs = 4 * SHORT_MS;
      const connectTimeout = durationFromMs(leastMs);
      const late = context.letPass(CONNECTED_WITHIN_MS).then(() => undefined);
      const asking = timed(() => outcomeOf(ask(context, { url, connectTimeout })));
      const gone = upstream.accept().then((far) => outcomeOf(far.toEof()));
      const [outcome, ms] = (await Promise.race([asking, late])) ?? [];
      ensure(outcome !== undefined, `it was not over after ${CONNECTED_WITHIN_MS} ms`);
      ensureEqual(outcome.summary, FAILED, 'a server that says nothing');
      const { code, stage, target } = outcome.details.httpFailure ?? {};
      const expected = [HttpStage.TIMEOUT, 'CONNECT', upstream.authority];
      ensureEqual([stage, code, target], expected, 'stage, code and target');
      ensure((ms ?? 0) >= leastMs, `it was over after ${ms} ms`);
      await gone;
    },
  },
];
