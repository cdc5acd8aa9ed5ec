import type { CallContext } from '../../../src/bridge/call-context.ts';
import { HttpFailureSchema, HttpStage } from '../../../src/gen/runlet/v1/error_pb.ts';
import {
  Redirects,
  type RequestRequest,
  type RequestResponse,
} from '../../../src/gen/runlet/v1/http_pb.ts';
import { onFailures, withDetails } from './hooks.ts';
import { retold } from './hooks-of-files.ts';
import { kept, onAnswers, onHeads, textOf, uncancelled } from './hooks-of-network.ts';
import type { Mutant } from './mutant.ts';
import { telling, withLatest } from './of-tunnels.ts';
import type { Services } from './services.ts';

/** Changes what requests that fail say. */
function onHttpFailures(
  real: Services,
  change: (failure: { stage: HttpStage; code: string; target: string }) => void,
): Services {
  return onFailures(real, (error) =>
    withDetails(error, HttpFailureSchema, (failure) => {
      change(failure);
      return failure;
    }),
  );
}

/** Redirects of requests, and how they fail and end. */
export const ofHttpEnds: readonly Mutant[] = [
  {
    fault: 'it is not told which URLs were asked before',
    fails: ['HTTP-40'],
    mutate: (real) =>
      onAnswers(real, (head) => {
        head.redirectedUrls = [];
      }),
  },
  {
    fault: 'every redirect is followed',
    fails: ['HTTP-41'],
    mutate: (real) =>
      onHeads(real, (head) => {
        head.redirects = Redirects.FOLLOW;
      }),
  },
  {
    fault: 'no redirect is followed',
    fails: ['HTTP-40', 'HTTP-42', 'HTTP-43', 'HTTP-44', 'HTTP-45', 'HTTP-46', 'HTTP-47', 'HTTP-48'],
    mutate: (real) =>
      onHeads(real, (head) => {
        head.redirects = Redirects.STOP;
      }),
  },
  {
    fault: 'a redirect takes all headers along, wherever it leads',
    fails: ['HTTP-47'],
    also: ['HTTP-40', 'HTTP-41', 'HTTP-42', 'HTTP-44', 'HTTP-45', 'HTTP-46'],
    mutate: (real) => ({
      ...real,
      request: (requests, context) => following(real, requests, context),
    }),
  },
  {
    fault: 'requests fail at no stage',
    fails: [
      ...['HTTP-29', 'HTTP-44', 'HTTP-45', 'HTTP-46', 'HTTP-48', 'HTTP-60', 'HTTP-61', 'HTTP-62'],
      ...['HTTP-63', 'HTTP-64', 'HTTP-65', 'HTTP-66', 'HTTP-67', 'HTTP-68', 'HTTP-69'],
      'HTTP-70',
    ],
    mutate: (real) =>
      onHttpFailures(real, (failure) => {
        failure.stage = HttpStage.UNSPECIFIED;
      }),
  },
  {
    fault: 'it is not told what exactly failed of a request',
    fails: [
      ...['HTTP-44', 'HTTP-45', 'HTTP-46', 'HTTP-60', 'HTTP-64', 'HTTP-65', 'HTTP-66'],
      ...['HTTP-67', 'HTTP-68', 'HTTP-70'],
    ],
    mutate: (real) =>
      onHttpFailures(real, (failure) => {
        failure.code = '';
      }),
  },
  {
    fault: 'requests to what is denied fail as others do',
    fails: ['HTTP-48', 'HTTP-69'],
    mutate: (real) => retold(real, ['request'], 'EGRESS_DENIED', 'HTTP_FAILED'),
  },
  {
    fault: 'requests of a session that there is not are told as of one that is closed',
    fails: ['HTTP-80'],
    mutate: (real) => retold(real, ['request'], 'SESSION_NOT_FOUND', 'SESSION_CLOSED'),
  },
  {
    fault: 'requests of a session that is closed are told as of one that there is not',
    fails: ['HTTP-81'],
    mutate: (real) => retold(real, ['request'], 'SESSION_CLOSED', 'SESSION_NOT_FOUND'),
  },
  {
    fault: 'requests of an older attachment are told as of a session that is closed',
    fails: ['HTTP-82', 'HTTP-83'],
    mutate: (real) => retold(real, ['request'], 'ATTACHMENT_SUPERSEDED', 'SESSION_CLOSED'),
  },
  {
    fault: 'requests without an attachment are of the latest',
    fails: ['HTTP-84'],
    mutate: (real) => {
      const latest = new Map<string, string>();
      return onHeads(withLatest(real, latest), (head) => {
        if (head.attachmentId === '') head.attachmentId = latest.get(head.sessionId) ?? '';
      });
    },
  },
  {
    fault: 'a request goes on though its call is cancelled',
    fails: ['HTTP-25', 'HTTP-85'],
    mutate: (real) => ({
      ...real,
      request: (requests, context) => kept(real.request(untilEnd(requests), uncancelled(context))),
    }),
  },
  {
    fault: 'silent answers say nothing',
    fails: ['HTTP-86'],
    mutate: (real) => ({
      ...real,
      request: (requests, context) => telling(real.request(requests, context)),
    }),
  },
];

/** The messages of a stream that does not end before it is whole. */
async function* untilEnd(requests: AsyncIterable<RequestRequest>): AsyncGenerator<RequestRequest> {
  let isWhole = false;
  for await (const message of requests) {
    isWhole ||= message.request.case === 'end';
    yield message;
  }
  if (!isWhole) await new Promise(() => {});
}

/** Follows one redirect by itself, with all that was sent the first time. */
async function* following(
  real: Services,
  requests: AsyncIterable<RequestRequest>,
  context: CallContext,
): AsyncGenerator<RequestResponse> {
  const sent: RequestRequest[] = [];
  async function* noted(): AsyncGenerator<RequestRequest> {
    for await (const message of requests) {
      if (message.request.case === 'head') message.request.value.redirects = Redirects.STOP;
      sent.push(message);
      yield message;
    }
  }
  const messages = real.request(noted(), context)[Symbol.asyncIterator]();
  const first: RequestResponse[] = [];
  let location: Uint8Array | undefined;
  for (;;) {
    const { done, value } = await messages.next();
    if (done === true) break;
    const { response } = value;
    if (response.case === 'head') {
      location = response.value.headers.find(({ name }) => name === 'location')?.value;
    }
    // What leads nowhere else is told as it comes.
    if (location === undefined) yield value;
    else first.push(value);
  }
  const [opening] = sent;
  if (location === undefined) return;
  if (opening?.request.case !== 'head') {
    yield* first;
    return;
  }
  opening.request.value.url = new URL(textOf(location), opening.request.value.url).href;
  async function* again(): AsyncGenerator<RequestRequest> {
    yield* sent;
  }
  yield* real.request(again(), context);
}
