import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { StdinMode, type WaitUntil } from '../../src/gen/runlet/v1/process_pb.ts';
import { Signal, type SignalScope } from '../../src/gen/runlet/v1/signal_pb.ts';
import { collect, summarize } from '../support/events.ts';
import { type Failure, failureOf } from '../support/failure.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { awaitRelease, release, shellSpec, startShell, type Target } from '../support/shell.ts';

const MIB = 1024 * 1024;

/** A number that no enum has. */
const UNKNOWN = 99;

/** The code and reason of a failure, and the fields that it names. */
const verdictOf = ({ badRequest, summary }: Failure): readonly string[] => [
  summary,
  ...(badRequest?.fieldViolations ?? []).map(({ field }) => field),
];

/** A harness with a process that goes on until `go` is released. */
async function startWaiting(): Promise<{ readonly harness: Harness; readonly target: Target }> {
  const harness = await startHarness();
  const script = `echo out; ${awaitRelease('go')}`;
  return { harness, target: await startShell(harness, script, {}, 'p') };
}

describe('a call with a field that is wrong', () => {
  const wrong: readonly [string, (h: Harness, t: Target) => Promise<unknown>, string][] = [
    [
      'a negative wait',
      (h, t) => h.processes.readProcess({ ...t, wait: durationFromMs(-1) }),
      'wait',
    ],
    [
      'a negative grace',
      (h, t) => h.processes.terminateProcess({ ...t, grace: durationFromMs(-1) }),
      'grace',
    ],
    [
      'a grace that is too long',
      (h, t) => h.processes.terminateProcess({ ...t, grace: durationFromMs(3_600_001) }),
      'grace',
    ],
    ['no signal', (h, t) => h.processes.signalProcess({ ...t }), 'signal'],
    [
      'an unknown signal',
      (h, t) => h.processes.signalProcess({ ...t, signal: UNKNOWN as Signal }),
      'signal',
    ],
    [
      'an unknown scope',
      (h, t) =>
        h.processes.signalProcess({ ...t, signal: Signal.KILL, scope: UNKNOWN as SignalScope }),
      'scope',
    ],
    [
      'something unknown to wait for',
      (h, t) => h.processes.waitProcess({ ...t, until: UNKNOWN as WaitUntil }),
      'until',
    ],
    [
      'an after_seq of a watch that is no exact number',
      (h, t) => collect(h.processes.watchProcess({ ...t, afterSeq: 2n ** 64n - 1n })),
      'after_seq',
    ],
    [
      'an after_seq of a read that is no exact number',
      (h, t) => h.processes.readProcess({ ...t, afterSeq: 2n ** 64n - 1n }),
      'after_seq',
    ],
    [
      'an offset that is no exact number',
      (h, t) => h.processes.writeStdin({ ...t, offset: 2n ** 64n - 1n }),
      'offset',
    ],
    [
      'a negative page_size of processes',
      (h, t) => h.processes.listProcesses({ ...t, pageSize: -1 }),
      'page_size',
    ],
    [
      'a page_token of processes that is none',
      (h, t) => h.processes.listProcesses({ ...t, pageToken: '?' }),
      'page_token',
    ],
    [
      'a negative page_size of sessions',
      (h) => h.sessions.listSessions({ pageSize: -1 }),
      'page_size',
    ],
    [
      'a page_token of sessions that is none',
      (h) => h.sessions.listSessions({ pageToken: '?' }),
      'page_token',
    ],
    [
      'a session_id that is no UUID',
      (h) => h.sessions.createSession({ sessionId: 'mine' }),
      'session_id',
    ],
    [
      'a label of a session that is too long',
      (h) => h.sessions.createSession({ labels: { k: 'v'.repeat(1025) } }),
      'labels',
    ],
    [
      'a request_id that is too long',
      (h, { sessionId }) =>
        h.processes.startProcess({
          sessionId,
          requestId: 'x'.repeat(129),
          spec: shellSpec('exit 0'),
        }),
      'request_id',
    ],
  ];

  it.each(wrong)('is refused, and changes nothing: %s', async (_what, call, field) => {
    const { harness, target } = await startWaiting();
    const { processes, sessions } = harness;
    expect(verdictOf(await failureOf(call(harness, target)))).toEqual([
      'INVALID_ARGUMENT/INVALID_REQUEST',
      field,
    ]);
    expect((await processes.listProcesses(target)).processes).toHaveLength(1);
    expect((await sessions.listSessions({})).sessions).toHaveLength(1);
    await release(harness, 'go');
    expect(summarize(await collect(processes.watchProcess(target)))).toEqual([
      'started',
      'stdout@0 "out\\n"',
      'exited code 0 reason 1',
      'closed true',
    ]);
  });
});

describe('an id that is in use', () => {
  it('is PROCESS_EXISTS, and the process that has it goes on', async () => {
    const { harness, target } = await startWaiting();
    const { processes } = harness;
    const request = { ...target, spec: shellSpec('echo second') };
    const failure = await failureOf(processes.startProcess(request));
    expect(verdictOf(failure)).toEqual(['ALREADY_EXISTS/PROCESS_EXISTS']);
    expect((await processes.listProcesses(target)).processes).toHaveLength(1);
    await release(harness, 'go');
    expect(summarize(await collect(processes.watchProcess(target)))).toContain('stdout@0 "out\\n"');
  });
});

describe('a write to stdin', () => {
  it('without a pipe is STDIN_CLOSED', async () => {
    const { harness, target } = await startWaiting();
    const data = Buffer.from('x');
    const failure = await failureOf(harness.processes.writeStdin({ ...target, data }));
    expect(verdictOf(failure)).toEqual(['FAILED_PRECONDITION/STDIN_CLOSED']);
  });

  it('after end of file is STDIN_CLOSED, and the process does not see it', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const script = `${awaitRelease('go')}; cat`;
    const target = await startShell(harness, script, { stdin: StdinMode.PIPE });
    await processes.writeStdin({ ...target, data: Buffer.from('first'), eof: true });
    for (const write of [{ data: Buffer.from('second') }, { eof: true }, {}]) {
      const failure = await failureOf(processes.writeStdin({ ...target, ...write }));
      expect(verdictOf(failure)).toEqual(['FAILED_PRECONDITION/STDIN_CLOSED']);
    }
    await release(harness, 'go');
    const events = await collect(processes.watchProcess(target));
    expect(summarize(events)).toContain('stdout@0 "first"');
  });
});

describe('an after_seq beyond the last event', () => {
  it('is SEQ_BEYOND_END, which says what the last is', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'exit 0');
    const { process } = await processes.waitProcess(target);
    const lastSeq = process?.lastSeq ?? 0n;
    const beyond = { ...target, afterSeq: lastSeq + 1n };
    const failures = await Promise.all([
      failureOf(collect(processes.watchProcess(beyond))),
      failureOf(processes.readProcess(beyond)),
      failureOf(processes.readProcess({ ...beyond, wait: durationFromMs(30_000) })),
    ]);
    for (const failure of failures) {
      expect(verdictOf(failure)).toEqual(['OUT_OF_RANGE/SEQ_BEYOND_END']);
      expect(failure.info?.metadata).toEqual({ last_seq: String(lastSeq) });
    }
    expect((await processes.readProcess({ ...target, afterSeq: lastSeq })).events).toEqual([]);
  });
});

describe('a request of 5 MiB', () => {
  const data = Buffer.alloc(5 * MIB, 'x');
  const tooLarge = { limit: 'max_request_bytes', maximum: String(4 * MIB) };

  it('is LIMIT_EXCEEDED for a write, of which nothing arrives', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'cat', { stdin: StdinMode.PIPE });
    const failure = await failureOf(processes.writeStdin({ ...target, data }));
    expect(verdictOf(failure)).toEqual(['RESOURCE_EXHAUSTED/LIMIT_EXCEEDED']);
    expect(failure.info?.metadata).toEqual(tooLarge);
    const { acceptedOffset } = await processes.writeStdin({ ...target, eof: true });
    expect(acceptedOffset).toBe(0n);
    expect(summarize(await collect(processes.watchProcess(target)))).toEqual([
      'started',
      'stdinClosed',
      'exited code 0 reason 1',
      'closed true',
    ]);
  });

  it('is LIMIT_EXCEEDED for a start or a run, and nothing is started', async () => {
    const { processes, sessionId } = await startHarness();
    const spec = shellSpec('exit 0');
    const failures = await Promise.all([
      failureOf(
        processes.startProcess({
          sessionId,
          processId: 'p',
          spec: { ...spec, env: { A: data.toString() } },
        }),
      ),
      failureOf(collect(processes.run({ spec, stdin: data }))),
    ]);
    for (const failure of failures) {
      expect(verdictOf(failure)).toEqual(['RESOURCE_EXHAUSTED/LIMIT_EXCEEDED']);
      expect(failure.info?.metadata).toEqual(tooLarge);
    }
    expect((await processes.listProcesses({ sessionId })).processes).toEqual([]);
    await processes.startProcess({ sessionId, processId: 'p', spec });
  });
});
