import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import type {
  Inherit,
  Overflow,
  ProcessSpecSchema,
  StdinMode,
} from '../../src/gen/runlet/v1/process_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { MAX_MESSAGE_FIELDS } from '../../src/limits.ts';
import { collect } from '../support/events.ts';
import { expectNothingLeft } from '../support/failed-start.ts';
import { type Failure, failureOf } from '../support/failure.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { shellSpec } from '../support/shell.ts';

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;

const MIB = 1024 * 1024;

/** A number that no enum has. */
const UNKNOWN = 99;

/** The fields that a failure names. */
const fieldsOf = ({ badRequest }: Failure): readonly string[] =>
  (badRequest?.fieldViolations ?? []).map(({ field }) => field);

describe('a spec that is wrong in itself', () => {
  it.each<[string, SpecInit | undefined, string]>([
    ['is missing', undefined, 'spec'],
    ['has no argv', {}, 'spec.argv'],
    ['has an empty program', { argv: ['', 'a'] }, 'spec.argv'],
    ['has a NUL in argv', { argv: ['/bin/echo', 'a\0b'] }, 'spec.argv[1]'],
    ['has a NUL in its program', { argv: ['/bin/echo\0'] }, 'spec.argv[0]'],
    ['has a NUL in arg0', { argv: ['/bin/echo'], arg0: '\0' }, 'spec.arg0'],
    ['has a relative cwd', { argv: ['/bin/echo'], cwd: 'here' }, 'spec.cwd'],
    ['has a NUL in its cwd', { argv: ['/bin/echo'], cwd: '/\0' }, 'spec.cwd'],
    [
      'has more variables than are decoded',
      {
        argv: ['/bin/echo'],
        env: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${i}`, 'v'])),
      },
      'spec.env',
    ],
    ['has a variable without a name', { argv: ['/bin/echo'], env: { '': 'v' } }, 'spec.env'],
    ['has a variable with = in it', { argv: ['/bin/echo'], env: { 'A=B': 'v' } }, 'spec.env'],
    ['has a NUL in a value', { argv: ['/bin/echo'], env: { A: '\0' } }, 'spec.env'],
    [
      'has a NUL in a value of its policy',
      { argv: ['/bin/echo'], envPolicy: { set: { A: '\0' } } },
      'spec.env_policy.set',
    ],
    [
      'has an unknown inherit',
      { argv: ['/bin/echo'], envPolicy: { inherit: UNKNOWN as Inherit } },
      'spec.env_policy.inherit',
    ],
    ['has an unknown stdin', { argv: ['/bin/echo'], stdin: UNKNOWN as StdinMode }, 'spec.stdin'],
    [
      'has an unknown overflow',
      { argv: ['/bin/echo'], output: { overflow: UNKNOWN as Overflow } },
      'spec.output.overflow',
    ],
    [
      'asks to retain too much',
      { argv: ['/bin/echo'], output: { retainedBytes: BigInt(2048 * MIB) } },
      'spec.output.retained_bytes',
    ],
    [
      'asks for a negative retention',
      { argv: ['/bin/echo'], retention: durationFromMs(-1) },
      'spec.retention',
    ],
    [
      'asks for a retention that is too long',
      { argv: ['/bin/echo'], retention: durationFromMs(86_400_001) },
      'spec.retention',
    ],
    ['has an empty label', { argv: ['/bin/echo'], labels: { '': 'v' } }, 'spec.labels'],
  ])('is refused, and nothing is left: it %s', async (_what, spec, field) => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const request = { ...(spec === undefined ? {} : { spec }) };
    const failures = await Promise.all([
      failureOf(processes.startProcess({ sessionId, processId: 'p', requestId: 'p', ...request })),
      failureOf(collect(processes.run(request))),
    ]);
    for (const failure of failures) {
      expect(failure.summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
      expect(fieldsOf(failure)).toEqual([field]);
    }
    await expectNothingLeft(harness, 'p');
  });
});

describe('a request with more fields than anybody can mean', () => {
  it('is refused before it is decoded', async () => {
    const { connection } = await startHarness();
    // Field 1000, a varint of 0: nobody knows it.
    const bytes = Buffer.alloc(3 * (MAX_MESSAGE_FIELDS + 1), Buffer.from([0xc0, 0x3e, 0]));
    const asIs = (data: Buffer): Buffer => data;
    const call = new Promise((resolve, reject) => {
      const path = '/runlet.v1.SessionService/CreateSession';
      connection.makeUnaryRequest(path, asIs, asIs, bytes, (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
    const failure = await failureOf(call);
    expect(failure.summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    expect(fieldsOf(failure)).toEqual(['']);
  });
});

describe('a call about something that is not there', () => {
  const calls: readonly [string, (h: Harness, sessionId: string) => Promise<unknown>][] = [
    ['GetSession', (h, sessionId) => h.sessions.getSession({ sessionId })],
    ['CloseSession', (h, sessionId) => h.sessions.closeSession({ sessionId })],
    [
      'StartProcess',
      (h, sessionId) => h.processes.startProcess({ sessionId, spec: shellSpec('exit 0') }),
    ],
    ['ListProcesses', (h, sessionId) => h.processes.listProcesses({ sessionId })],
    ...aboutAProcess('p'),
  ];

  function aboutAProcess(
    processId: string,
  ): readonly [string, (h: Harness, sessionId: string) => Promise<unknown>][] {
    return [
      ['GetProcess', (h, sessionId) => h.processes.getProcess({ sessionId, processId })],
      [
        'WatchProcess',
        (h, sessionId) => collect(h.processes.watchProcess({ sessionId, processId })),
      ],
      ['ReadProcess', (h, sessionId) => h.processes.readProcess({ sessionId, processId })],
      [
        'AcknowledgeOutput',
        (h, sessionId) => h.processes.acknowledgeOutput({ sessionId, processId, readerId: 'r' }),
      ],
      ['WriteStdin', (h, sessionId) => h.processes.writeStdin({ sessionId, processId })],
      [
        'SignalProcess',
        (h, sessionId) => h.processes.signalProcess({ sessionId, processId, signal: Signal.TERM }),
      ],
      [
        'TerminateProcess',
        (h, sessionId) => h.processes.terminateProcess({ sessionId, processId }),
      ],
      ['WaitProcess', (h, sessionId) => h.processes.waitProcess({ sessionId, processId })],
    ];
  }

  it('is SESSION_NOT_FOUND for a session that never was', async () => {
    const harness = await startHarness();
    for (const [method, call] of calls) {
      const { summary } = await failureOf(call(harness, '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52'));
      expect(`${method} ${summary}`).toBe(`${method} NOT_FOUND/SESSION_NOT_FOUND`);
    }
  });

  it('is wrong in itself for a session id that is no UUID, or none', async () => {
    const harness = await startHarness();
    for (const [method, call] of calls) {
      for (const sessionId of ['', 'my-session']) {
        const failure = await failureOf(call(harness, sessionId));
        expect([method, failure.summary, ...fieldsOf(failure)]).toEqual([
          method,
          'INVALID_ARGUMENT/INVALID_REQUEST',
          'session_id',
        ]);
      }
    }
  });

  it('is PROCESS_NOT_FOUND for a process that never was', async () => {
    const harness = await startHarness();
    for (const [method, call] of aboutAProcess('p')) {
      const { summary } = await failureOf(call(harness, harness.sessionId));
      expect(`${method} ${summary}`).toBe(`${method} NOT_FOUND/PROCESS_NOT_FOUND`);
    }
  });

  it('is wrong in itself for a process id that is empty or none', async () => {
    const harness = await startHarness();
    for (const processId of ['', 'a\nb', 'x'.repeat(129)]) {
      for (const [method, call] of aboutAProcess(processId)) {
        const failure = await failureOf(call(harness, harness.sessionId));
        expect([method, failure.summary, ...fieldsOf(failure)]).toEqual([
          method,
          'INVALID_ARGUMENT/INVALID_REQUEST',
          'process_id',
        ]);
      }
    }
  });
});
