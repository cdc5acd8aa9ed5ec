import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { RunletError } from '../../../src/errors.ts';
import {
  type InteractRequest,
  InteractStdinSchema,
  Overflow,
  TerminateProcessRequestSchema,
} from '../../../src/gen/runlet/v1/process_pb.ts';
import { onFailures, onRequests, onResponses } from './hooks.ts';
import type { Mutant } from './mutant.ts';

/** `Run` and `Interact`. */
export const ofStreams: readonly Mutant[] = [
  {
    fault: 'the input of a `Run` is ignored',
    fails: ['RUN-01'],
    mutate: (real) =>
      onRequests(real, ['run'], (request) => {
        request.stdin = new Uint8Array();
      }),
  },
  {
    fault: 'the process of a `Run` without input reads an empty line',
    fails: ['RUN-02'],
    mutate: (real) =>
      onRequests(real, ['run'], (request) => {
        if (request.stdin.byteLength === 0) request.stdin = Buffer.from('\n');
      }),
  },
  {
    fault: 'a `Run` drops the oldest output by default',
    fails: ['RUN-03'],
    mutate: (real) =>
      onRequests(real, ['run'], ({ spec }) => {
        if (spec?.output) spec.output.overflow = Overflow.DROP_OLDEST;
      }),
  },
  {
    fault: 'the process of a `Run` outlives the call',
    fails: ['RUN-04'],
    mutate: (real) => ({
      ...real,
      async *run(request, context) {
        const never = new AbortController().signal;
        const call = real.run(request, outliving(context, never));
        const events = call[Symbol.asyncIterator]();
        for (;;) {
          const next = await events.next();
          if (next.done === true) return;
          yield next.value;
        }
      },
    }),
  },
  {
    fault: 'a `Run` that cannot be started fails without a reason',
    fails: ['RUN-05'],
    mutate: (real) => ({
      ...real,
      run: (request, context) =>
        onFailures(real, () => new RunletError('INTERNAL')).run(request, context),
    }),
  },
  {
    fault: 'the bytes of a message of `Interact` with `eof` are lost',
    fails: ['INTERACT-01'],
    mutate: (real) =>
      onRequests(real, ['interact'], ({ request }) => {
        if (request.case === 'stdin' && request.value.eof) request.value.data = new Uint8Array();
      }),
  },
  {
    fault: 'the first message of `Interact` has no process',
    fails: ['INTERACT-02'],
    mutate: (real) =>
      onResponses(real, ['interact'], (response) => {
        delete response.process;
      }),
  },
  {
    fault: '`attach` of `Interact` begins with the first event',
    fails: ['INTERACT-03'],
    mutate: (real) =>
      onRequests(real, ['interact'], ({ request }) => {
        if (request.case === 'attach') request.value.afterSeq = 0n;
      }),
  },
  {
    fault: 'the process of an `Interact` ends with the call',
    fails: ['INTERACT-04'],
    mutate: (real) => ({
      ...real,
      async *interact(requests, context) {
        let end = (): void => {};
        context.defer(() => end());
        for await (const response of real.interact(requests, context)) {
          const { process } = response;
          if (process !== undefined) {
            const { processId, sessionId } = process;
            const grace = durationFromMs(0);
            end = () => {
              const names = { processId, sessionId, grace };
              const request = create(TerminateProcessRequestSchema, names);
              const never = new AbortController().signal;
              real.terminateProcess(request, outliving(context, never)).catch(() => {});
            };
          }
          yield response;
        }
      },
    }),
  },
  {
    fault: 'the end of the messages of `Interact` is end-of-file',
    fails: ['INTERACT-06'],
    mutate: (real) => ({
      ...real,
      interact: (requests, context) => real.interact(withEof(requests), context),
    }),
  },
  {
    fault: 'a message of `Interact` to a standard input that is closed ends the call',
    fails: ['INTERACT-07'],
    mutate: (real) => ({
      ...real,
      interact(requests, context) {
        let closed = false;
        const watched = onRequests(real, ['interact'], ({ request }) => {
          if (request.case !== 'stdin') return;
          if (closed) context.fail(new RunletError('STDIN_CLOSED'));
          closed ||= request.value.eof;
        });
        return watched.interact(requests, context);
      },
    }),
  },
  {
    fault: 'an `Interact` that begins with anything else ends as if there were nothing to do',
    fails: ['INTERACT-08'],
    mutate: (real) => ({
      ...real,
      async *interact(requests, context) {
        try {
          yield* real.interact(requests, context);
        } catch (error) {
          const reason = isCallError(error) ? callErrorDetails(error).info?.reason : undefined;
          if (reason !== 'INVALID_REQUEST') throw error;
        }
      },
    }),
  },
  {
    fault: 'a terminal is not resized by a message of `Interact`',
    fails: ['INTERACT-09'],
    mutate: (real) =>
      onRequests(real, ['interact'], ({ request }) => {
        if (request.case === 'resize') request.value = { ...request.value, columns: 80, rows: 24 };
      }),
  },
];

/** The same call, which does not notice its own end. */
function outliving<C extends object>(context: C, signal: AbortSignal): C {
  return new Proxy(context, {
    get: (target, name) => {
      if (name === 'signal') return signal;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Adds end-of-file, if anything was written: not where the call was only given up. */
async function* withEof(requests: AsyncIterable<InteractRequest>): AsyncGenerator<InteractRequest> {
  let written = false;
  for await (const request of requests) {
    written ||= request.request.case === 'stdin';
    yield request;
  }
  const value = create(InteractStdinSchema, { eof: true });
  if (written) yield { $typeName: 'runlet.v1.InteractRequest', request: { case: 'stdin', value } };
}
