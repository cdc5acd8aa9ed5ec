import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { callErrorDetails } from '../../../src/client/call-error.ts';
import { RunletError } from '../../../src/errors.ts';
import { BadRequestSchema } from '../../../src/gen/google/rpc/error_details_pb.ts';
import { onFailures, onRequests, onStarts, withDetails } from './hooks.ts';
import type { Mutant } from './mutant.ts';
import { recoded } from './of-reading.ts';
import type { Services } from './services.ts';

/** Says of requests that are wrong in a field that something else is the matter. */
function confused(real: Services, field: RegExp): Services {
  return onFailures(real, (error) => {
    const violations = callErrorDetails(error).badRequest?.fieldViolations ?? [];
    return violations.some((violation) => field.test(violation.field))
      ? recoded(error, status.FAILED_PRECONDITION)
      : error;
  });
}

/** Requests that are wrong. */
export const ofRequests: readonly Mutant[] = [
  {
    fault: 'requests that are wrong are refused without naming a field',
    fails: [
      'REQUEST-01',
      'REQUEST-02',
      'REQUEST-03',
      'REQUEST-04',
      'REQUEST-05',
      'REQUEST-06',
      'REQUEST-07',
      'REQUEST-08',
      'REQUEST-09',
      'REQUEST-10',
      'REQUEST-11',
      'REQUEST-12',
      'REQUEST-13',
      'SESSION-12',
      'RESUME-05',
    ],
    also: ['BYTES-05'],
    mutate: (real) =>
      onFailures(real, (error) => withDetails(error, BadRequestSchema, () => undefined)),
  },
  {
    fault: 'a start without a program is a start that failed',
    fails: ['REQUEST-01'],
    mutate: (real) => confused(real, /^spec(\.argv)?$/),
  },
  {
    fault: 'NUL ends a text',
    fails: ['REQUEST-02'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        const cut = (text: string): string => text.split('\0')[0] ?? '';
        spec.argv = spec.argv.map(cut);
        spec.cwd = cut(spec.cwd);
        for (const [name, value] of Object.entries(spec.env)) spec.env[name] = cut(value);
      }),
  },
  {
    fault: 'a relative working directory is taken for one below the root',
    fails: ['REQUEST-03'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (/^\w/.test(spec.cwd)) spec.cwd = `/${spec.cwd}`;
      }),
  },
  {
    fault: 'variables with a wrong name are left out',
    fails: ['REQUEST-04'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        const pairs = Object.entries(spec.env).filter(
          ([name]) => name !== '' && !name.includes('='),
        );
        spec.env = Object.fromEntries(pairs);
      }),
  },
  {
    fault: 'a session id that is no UUID is an unknown session',
    fails: ['REQUEST-05'],
    mutate: (real) =>
      onRequests(real, ['getSession'], ({ sessionId }) => {
        if (sessionId.length !== 36) throw new RunletError('SESSION_NOT_FOUND');
      }),
  },
  {
    fault: 'values of enums that it does not know mean the default',
    fails: ['REQUEST-06'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (spec.stdin > 2) spec.stdin = 0;
        if (spec.envPolicy && spec.envPolicy.inherit > 3) spec.envPolicy.inherit = 0;
      }),
  },
  {
    fault: 'negative spans are none',
    fails: ['REQUEST-07'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        for (const name of ['timeout', 'drainTimeout', 'retention'] as const) {
          if ((spec[name]?.seconds ?? 0n) < 0n) delete spec[name];
        }
      }),
  },
  {
    fault: 'what exceeds a limit for specs is cut to it',
    fails: ['REQUEST-08'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        const ms = spec.retention ? durationMs(spec.retention) : 0;
        if (ms > 86_400_000) spec.retention = durationFromMs(86_400_000);
        if (spec.output && spec.output.retainedBytes > 2n ** 30n)
          spec.output.retainedBytes = 2n ** 30n;
      }),
  },
  {
    fault: 'a `detached_ttl` that is too short is lengthened',
    fails: ['REQUEST-09'],
    mutate: (real) =>
      onRequests(real, ['createSession'], (request) => {
        const ms = request.detachedTtl ? durationMs(request.detachedTtl) : 100;
        if (ms >= 0 && ms < 100) request.detachedTtl = durationFromMs(100);
      }),
  },
  {
    fault: 'ids of processes that are too long are cut',
    fails: ['REQUEST-10'],
    mutate: (real) =>
      onRequests(real, ['startProcess'], (request) => {
        request.processId = request.processId.slice(0, 128);
      }),
  },
  {
    fault: 'labels that are too long or too many are left out',
    fails: ['REQUEST-11'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        if (Object.entries(spec.labels).flat().join('').length > 100) spec.labels = {};
      }),
  },
  {
    fault: 'a signal that is not named is SIGTERM',
    fails: ['REQUEST-12'],
    mutate: (real) =>
      onRequests(real, ['signalProcess'], (request) => {
        if (request.signal === 0) request.signal = 15;
      }),
  },
  {
    fault: 'variables beyond 4,096 are left out',
    fails: ['REQUEST-13'],
    mutate: (real) =>
      onStarts(real, ({ spec }) => {
        spec.env = Object.fromEntries(Object.entries(spec.env).slice(0, 4096));
      }),
  },
];
