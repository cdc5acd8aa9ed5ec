import { create } from '@bufbuild/protobuf';
import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { HttpStage } from '../../../src/gen/runlet/v1/error_pb.ts';
import {
  type HttpHeader,
  HttpHeaderSchema,
  type RequestRequest,
  RequestRequestSchema,
  type RequestResponse,
  RequestResponseSchema,
} from '../../../src/gen/runlet/v1/http_pb.ts';
import { onRequests, onResponses } from './hooks.ts';
import { retold } from './hooks-of-files.ts';
import { onAnswers, onExchanges, onHeads, textOf } from './hooks-of-network.ts';
import type { Mutant } from './mutant.ts';

const byName = (a: HttpHeader, b: HttpHeader): number => a.name.localeCompare(b.name);

function header(name: string, value: string): HttpHeader {
  return create(HttpHeaderSchema, { name, value: Buffer.from(value, 'latin1') });
}

/** Requests through the server's machine, and their answers. */
export const ofHttp: readonly Mutant[] = [
  {
    fault: 'it is not told which URL has answered',
    fails: ['HTTP-01', 'HTTP-40', 'HTTP-41', 'HTTP-45'],
    mutate: (real) =>
      onAnswers(real, (head) => {
        head.finalUrl = '';
      }),
  },
  {
    fault: 'methods are in upper case',
    fails: ['HTTP-02'],
    mutate: (real) =>
      onHeads(real, (head) => {
        head.method = head.method.toUpperCase();
      }),
  },
  {
    fault: 'headers of requests are sorted',
    fails: ['HTTP-03'],
    mutate: (real) =>
      onHeads(real, (head) => {
        head.headers.sort(byName);
      }),
  },
  {
    fault: 'header values are text in UTF-8',
    fails: ['HTTP-03', 'HTTP-06', 'HTTP-09'],
    mutate: (real) => {
      const sent = onHeads(real, ({ headers }) => recode(headers));
      return onResponses(sent, ['request'], ({ response }) => {
        if (response.case === 'head') recode(response.value.headers);
        if (response.case === 'end') recode(response.value.trailers);
      });
    },
  },
  {
    fault: 'it says to servers who it is',
    fails: ['HTTP-04'],
    mutate: (real) => onHeads(real, (head) => head.headers.push(header('user-agent', 'runlet'))),
  },
  {
    fault: 'the host of requests is always that of their URL',
    fails: ['HTTP-05'],
    mutate: (real) =>
      onHeads(real, (head) => {
        head.headers = head.headers.filter(({ name }) => name !== 'host');
      }),
  },
  {
    fault: 'headers of answers are sorted',
    fails: ['HTTP-06', 'HTTP-09'],
    mutate: (real) =>
      onResponses(real, ['request'], ({ response }) => {
        if (response.case === 'head') response.value.headers.sort(byName);
        if (response.case === 'end') response.value.trailers.sort(byName);
      }),
  },
  {
    fault: 'headers of informational answers are added to those of the answer',
    fails: ['HTTP-07'],
    mutate: (real) =>
      onAnswers(real, ({ headers }) => {
        if (headers.some(({ name }) => name === 'x-late')) headers.push(header('x-early', '1'));
      }),
  },
  {
    fault: 'the length of an answer is not told',
    fails: ['HTTP-08', 'HTTP-27'],
    mutate: (real) =>
      onAnswers(real, (head) => {
        head.headers = head.headers.filter(({ name }) => name !== 'content-length');
      }),
  },
  {
    fault: 'what follows a body is not told',
    fails: ['HTTP-09'],
    mutate: (real) =>
      onResponses(real, ['request'], ({ response }) => {
        if (response.case === 'end') response.value.trailers = [];
      }),
  },
  {
    fault: 'every answer is of HTTP/1.1',
    fails: ['HTTP-10'],
    mutate: (real) =>
      onAnswers(real, (head) => {
        head.httpVersion = '1.1';
      }),
  },
  {
    fault: 'requests that cannot be sent are a fault of the server',
    fails: ['HTTP-11', 'HTTP-12', 'HTTP-13'],
    mutate: (real) => retold(real, ['request'], 'INVALID_REQUEST'),
  },
  {
    fault: 'headers of the connection are left out in silence',
    fails: ['HTTP-12'],
    mutate: (real) =>
      onHeads(real, (head) => {
        head.headers = head.headers.filter(
          ({ value }) => value.length !== 1 || textOf(value) !== 'x',
        );
      }),
  },
  {
    fault: 'a short body is streamed',
    fails: ['HTTP-13', 'HTTP-20', 'HTTP-43'],
    mutate: (real) =>
      onExchanges(real, () => ({
        request: (message) => {
          const { request } = message;
          if (request.case !== 'head' || request.value.body === undefined) return [message];
          const { body } = request.value;
          request.value.body = undefined;
          return [message, bodyOf(body)];
        },
      })),
  },
  {
    fault: 'what is streamed is changed',
    fails: ['HTTP-21', 'HTTP-22', 'HTTP-23', 'HTTP-24'],
    also: ['HTTP-25'],
    mutate: (real) =>
      onRequests(real, ['request'], ({ request }) => {
        if (request.case !== 'body' || request.value.length === 0) return;
        request.value[0] = (request.value[0] ?? 0) ^ 1;
      }),
  },
  {
    fault: 'the length of a body that is streamed is not sent',
    fails: ['HTTP-22'],
    mutate: (real) =>
      onHeads(real, (head) => {
        head.headers = head.headers.filter(({ name }) => name !== 'content-length');
      }),
  },
  {
    fault: 'a request is whole with the first part of its body',
    fails: ['HTTP-21', 'HTTP-22', 'HTTP-23', 'HTTP-24', 'HTTP-25'],
    // Its end comes twice, which is told where it is before that of the answer.
    perhaps: ['HTTP-44'],
    mutate: (real) =>
      onExchanges(real, () => ({
        request: (message) => {
          if (message.request.case !== 'body') return [message];
          const end = create(RequestRequestSchema, { request: { case: 'end', value: {} } });
          return [message, end];
        },
      })),
  },
  {
    fault: 'a body is as long as it is, whatever was asked for',
    fails: ['HTTP-26'],
    mutate: (real) =>
      onHeads(real, (head) => {
        head.maxBodyBytes = undefined;
      }),
  },
  {
    fault: 'every body is decompressed',
    fails: ['HTTP-27'],
    mutate: (real) =>
      onHeads(real, (head) => {
        head.decompress = true;
      }),
  },
  {
    fault: 'no body is decompressed',
    fails: ['HTTP-28'],
    mutate: (real) =>
      onHeads(real, (head) => {
        head.decompress = false;
      }),
  },
  {
    fault: 'a body that is cut ends as one that is whole',
    fails: ['HTTP-29'],
    mutate: (real) => ({
      ...real,
      request: (requests, context) => endingAnyway(real.request(requests, context)),
    }),
  },
  {
    fault: 'cookies are kept',
    fails: ['HTTP-30'],
    mutate: (real) => {
      const cookies = new Map<string, HttpHeader['value']>();
      return onExchanges(real, (head) => {
        const value = cookies.get(head.sessionId);
        if (value !== undefined) {
          head.headers.push(header('cookie', textOf(value)));
        }
        return {
          response: (message) => {
            const { response } = message;
            const headers = response.case === 'head' ? response.value.headers : [];
            const set = headers.find(({ name }) => name === 'set-cookie');
            if (set !== undefined) cookies.set(head.sessionId, set.value);
            return [message];
          },
        };
      });
    },
  },
];

/** What was one byte for each character becomes UTF-8. */
function recode(headers: readonly HttpHeader[]): void {
  for (const each of headers) each.value = Buffer.from(textOf(each.value), 'utf8');
}

function bodyOf(body: Uint8Array): RequestRequest {
  return create(RequestRequestSchema, { request: { case: 'body', value: Buffer.from(body) } });
}

/** The messages of an answer, and `end` where its body is cut. */
async function* endingAnyway(
  messages: AsyncIterable<RequestResponse>,
): AsyncGenerator<RequestResponse> {
  try {
    yield* messages;
  } catch (error) {
    const failure = isCallError(error) ? callErrorDetails(error).httpFailure : undefined;
    if (failure?.stage !== HttpStage.BODY) throw error;
    yield create(RequestResponseSchema, { response: { case: 'end', value: {} } });
  }
}
