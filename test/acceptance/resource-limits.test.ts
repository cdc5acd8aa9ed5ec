import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { OutputStream, type ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import type { ResourceLimitsSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { openedSince, ownDescriptors } from '../support/descriptors.ts';
import { collect, outputOf, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { shellSpec } from '../support/shell.ts';

type Limits = MessageInitShape<typeof ResourceLimitsSchema>;

/** The only launcher that can limit processes. */
function start(): Promise<Harness> {
  return startHarness({ launcher: createLauncher('posix_spawn') });
}

function runLimited(
  { processes }: Harness,
  script: string,
  limits: Limits,
  terminal?: object,
): Promise<ProcessEvent[]> {
  const argv = ['/bin/bash', '-c', script];
  return collect(
    processes.run({ spec: shellSpec('', { argv, limits, ...(terminal && { terminal }) }) }),
  );
}

/** The soft and the hard limit that a script has of each kind, as `ulimit` of bash names them. */
const SHOW = 'for kind in n u v f c t; do echo $(ulimit -S$kind) $(ulimit -H$kind); done';

describe('a process with limits', () => {
  it('has these, and the server keeps its own', async () => {
    const harness = await start();
    const before = outputOf(await runLimited(harness, SHOW, {})).toString();
    const limited = await runLimited(harness, SHOW, {
      openFiles: 100n,
      processes: 5_000n,
      addressSpaceBytes: 1024n * 1024n * 1024n,
      fileBytes: 4096n,
      coreBytes: 0n,
      cpuSeconds: 60n,
    });
    expect(outputOf(limited).toString().trim().split('\n')).toEqual([
      '100 100',
      '5000 5000',
      '1048576 1048576',
      '4 4',
      '0 0',
      '60 61',
    ]);
    expect(outputOf(await runLimited(harness, SHOW, {})).toString()).toBe(before);
  });

  it('is ended by the signal that each has', async () => {
    const harness = await start();
    const cpu = await runLimited(harness, 'while :; do :; done', { cpuSeconds: 1n });
    expect(summarize(cpu).at(-2)).toBe(`exited signal ${Signal.XCPU} reason 2`);
    const file = await runLimited(harness, 'exec head -c 5000 /dev/zero > file', {
      fileBytes: 4096n,
    });
    expect(summarize(file).at(-2)).toBe(`exited signal ${Signal.XFSZ} reason 2`);
  });

  it('cannot have more descriptors than it may', async () => {
    const harness = await start();
    const script = 'for fd in 10 11 12 13 14 15; do eval "exec $fd</dev/null" && echo $fd; done';
    const events = await runLimited(harness, script, { openFiles: 13n });
    expect(outputOf(events).toString()).toBe('10\n11\n12\n');
  });

  it('has its terminal and its exit like any other', async () => {
    const harness = await start();
    const events = await runLimited(harness, 'tty; ulimit -n; exit 3', { openFiles: 50n }, {});
    expect(outputOf(events, OutputStream.TERMINAL).toString()).toMatch(
      /^\/dev\/pts\/\d+\r\n50\r\n$/,
    );
    expect(summarize(events).at(-2)).toBe('exited code 3 reason 1');
  });

  it('that cannot be started is said so, and leaves no descriptor', async () => {
    const harness = await start();
    const spec = { argv: ['/etc/passwd/x'], limits: { openFiles: 50n } };
    const before = ownDescriptors();
    const { startFailure, summary } = await failureOf(collect(harness.processes.run({ spec })));
    expect(summary).toBe('FAILED_PRECONDITION/START_FAILED');
    expect(startFailure?.errnoName).toBe('ENOTDIR');
    const noProgram = { argv: ['/bin/sh'], cwd: '/proc/self/task', limits: { openFiles: 3n } };
    await collect(harness.processes.run({ spec: noProgram }));
    await expect.poll(() => openedSince(before)).toEqual([]);
  });

  it('can be one of many that are started at once', async () => {
    const harness = await start();
    const runs = Array.from({ length: 100 }, (_, i) =>
      runLimited(harness, 'ulimit -n', i % 2 === 0 ? { openFiles: BigInt(100 + i) } : {}),
    );
    const shown = (await Promise.all(runs)).map((events) => outputOf(events).toString().trim());
    const others = new Set(shown.filter((_, i) => i % 2 === 1));
    expect(others.size).toBe(1);
    expect(shown.filter((_, i) => i % 2 === 0)).toEqual(
      Array.from({ length: 50 }, (_, i) => String(100 + 2 * i)),
    );
  });
});

describe('limits that make no sense', () => {
  it.each([
    ['open_files', { openFiles: 2n }],
    ['cpu_seconds', { cpuSeconds: 0n }],
    ['file_bytes', { fileBytes: 2n ** 64n - 1n }],
  ] as const)('are refused: %s', async (field, limits) => {
    const harness = await start();
    const { badRequest, summary } = await failureOf(runLimited(harness, ':', limits));
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    expect(badRequest?.fieldViolations.map((violation) => violation.field)).toEqual([
      `spec.limits.${field}`,
    ]);
  });

  it("are refused above the server's own hard limit", async () => {
    const harness = await start();
    const { badRequest, summary } = await failureOf(
      runLimited(harness, ':', { openFiles: 2n ** 40n }),
    );
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    expect(badRequest?.fieldViolations[0]?.description).toContain('hard limit');
  });

  it('are an error where the launcher cannot limit', async () => {
    const harness = await startHarness({ launcher: createLauncher('child_process') });
    expect((await harness.server.getServerInfo({})).capabilities?.limits).toBe(false);
    const { startFailure, summary } = await failureOf(runLimited(harness, ':', { openFiles: 9n }));
    expect(summary).toBe('FAILED_PRECONDITION/START_FAILED');
    expect(startFailure?.errnoName).toBe('ENOTSUP');
  });
});

describe('a process with merged standard error', () => {
  it('has all its output in standard output, in the order of its writes', async () => {
    const harness = await start();
    const script = 'for i in 1 2 3; do echo out $i; echo err $i >&2; done';
    const events = await collect(
      harness.processes.run({ spec: shellSpec(script, { mergeStderr: true }) }),
    );
    expect(outputOf(events).toString()).toBe('out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n');
    const closed = events.at(-1)?.event;
    expect(closed?.case === 'closed' && closed.value.totals.map(({ stream }) => stream)).toEqual([
      OutputStream.STDOUT,
    ]);
  });

  it('is an error where the launcher cannot merge', async () => {
    const harness = await startHarness({ launcher: createLauncher('child_process') });
    const spec = shellSpec(':', { mergeStderr: true });
    const { startFailure } = await failureOf(collect(harness.processes.run({ spec })));
    expect(startFailure?.errnoName).toBe('ENOTSUP');
  });
});
