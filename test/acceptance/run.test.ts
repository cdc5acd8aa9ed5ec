import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import { Overflow, ProcessState, type RunResponse } from '../../src/gen/runlet/v1/process_pb.ts';
import { collect, isStdout, outputOf, readUntil, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness } from '../support/harness.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { shellSpec } from '../support/shell.ts';

describe('a run', () => {
  it('needs no session, and gives all events to the end', async () => {
    const { processes } = await startHarness();
    const spec = shellSpec('echo out; exit 3');
    expect(summarize(await collect(processes.run({ spec })))).toEqual([
      'started',
      'stdout@0 "out\\n"',
      'exited code 3 reason 1',
      'closed true',
    ]);
  });

  it('gives the process its stdin, and end-of-file after it', async () => {
    const { processes } = await startHarness();
    const spec = shellSpec('tr a-z A-Z');
    const events = await collect(processes.run({ spec, stdin: Buffer.from('hello') }));
    expect(outputOf(events).toString()).toBe('HELLO');
  });

  it('of a process that does not read its stdin is no error', async () => {
    const { processes } = await startHarness();
    const events = await collect(
      processes.run({ spec: shellSpec('exit 4'), stdin: Buffer.alloc(1_000_000) }),
    );
    expect(summarize(events)).toContain('exited code 4 reason 1');
  });

  it('drops nothing though far more is written than is retained', async () => {
    const { processes } = await startHarness();
    const spec = shellSpec('seq 1 300000', { output: { retainedBytes: 1_000n } });
    const events = await collect(processes.run({ spec }));
    const expected = Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join('');
    expect(outputOf(events).equals(Buffer.from(expected))).toBe(true);
  });

  it('drops where its spec says so, and says what', async () => {
    const { processes } = await startHarness();
    const spec = shellSpec('head -c 5000000 /dev/zero', {
      output: { retainedBytes: 1_000n, overflow: Overflow.DROP_OLDEST },
    });
    let bytes = 0n;
    let gaps = 0;
    for (const { event } of await collect(processes.run({ spec }))) {
      if (event.case === 'output') bytes += BigInt(event.value.data.byteLength);
      if (event.case !== 'gap') continue;
      gaps += 1;
      for (const range of event.value.ranges) bytes += range.length;
    }
    expect(bytes).toBe(5_000_000n);
    expect(gaps).toBeGreaterThan(0);
  });

  it('that is cancelled ends its process and what it started', async () => {
    const { processes } = await startHarness();
    const abort = new AbortController();
    const spec = shellSpec('sh -c "echo \\$\\$; exec sleep 1000" & echo $$; wait');
    const responses = processes.run({ spec }, { signal: abort.signal })[Symbol.asyncIterator]();
    let text = '';
    while (text.split('\n').length < 3) {
      text += outputOf((await responses.next()).value?.events ?? []).toString();
    }
    const pids = text.trimEnd().split('\n').map(pidFrom);
    expect(pids.map(isAlive)).toEqual([true, true]);
    abort.abort();
    await expect.poll(() => pids.map(isAlive)).toEqual([false, false]);
  });

  it('that loses its deadline ends its process, even one that nobody reads', async () => {
    const harness = await startHarness();
    // It writes more than fits anywhere, so it is held up until the call is over.
    const spec = shellSpec('head -c 100000000 /dev/zero');
    /** The pid of a run that has so long; undefined: that was over before it was told. */
    const begin = async (ms: number): Promise<number | undefined> => {
      const deadline = new Date(Date.now() + ms);
      const responses = harness.processes.run({ spec }, { deadline })[Symbol.asyncIterator]();
      const first = await responses.next().catch(() => undefined);
      const started = (first?.value as RunResponse | undefined)?.events[0]?.event;
      return started?.case === 'started' ? Number(started.value.pid) : undefined;
    };
    let pid = await begin(500);
    for (let ms = 1_000; pid === undefined; ms *= 2) pid = await begin(ms);
    await expect.poll(() => isAlive(pid)).toBe(false);
    const codes = (): readonly string[] =>
      harness.log
        .filter((text) => text.includes('/Run"'))
        .map((text) => /"code":"(\w+)"/.exec(text)?.[1] ?? '');
    await expect.poll(() => codes().length).toBeGreaterThan(0);
    // The client cancels at its deadline too, and the server may hear of that first.
    for (const code of codes()) expect(['DEADLINE_EXCEEDED', 'CANCELLED']).toContain(code);
  });

  it('frees its place among the processes when it is over, however it ended', async () => {
    const { processes } = await startHarness({ limits: { maxProcesses: 1 } });
    await collect(processes.run({ spec: shellSpec('true') }));
    const failed = collect(processes.run({ spec: { argv: ['/nonexistent'] } }));
    expect((await failureOf(failed)).summary).toBe('FAILED_PRECONDITION/START_FAILED');
    const abort = new AbortController();
    const cancelled = processes.run({ spec: shellSpec('sleep 1000') }, { signal: abort.signal });
    await cancelled[Symbol.asyncIterator]().next();
    abort.abort();
    const tryAgain = (): Promise<readonly string[]> =>
      collect(processes.run({ spec: shellSpec('true') })).then(summarize, () => []);
    await expect.poll(tryAgain).toHaveLength(3);
  });
});

describe('a process that pauses rather than lose output', () => {
  it('stands still while its only reader does, goes on with it, and loses nothing', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const spec = shellSpec(
      `for i in $(seq 1 400); do head -c 65536 /dev/zero; echo $i >> progress; done; echo done >&2`,
      { output: { retainedBytes: 1_000_000n, overflow: Overflow.PAUSE } },
    );
    const { process } = await processes.startProcess({ sessionId, spec });
    const target = { sessionId, processId: process?.processId ?? '' };
    // Nobody reads: it fills what is retained and the pipe, and waits; so it is far from its end.
    const progress = async (): Promise<number> => {
      const lines = await readFile(join(harness.folder, 'progress'), 'utf8').catch(() => '');
      return lines.split('\n').length - 1;
    };
    await expect.poll(progress).toBeGreaterThan(10);
    const { process: paused } = await processes.getProcess(target);
    expect(paused?.state).toBe(ProcessState.RUNNING);
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    const first = await readUntil(watch, isStdout);
    expect(await progress()).toBeLessThan(400);
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    const events = [...first, ...rest];
    expect(outputOf(events).byteLength).toBe(400 * 65_536);
    expect(outputOf(events, OutputStream.STDERR).toString()).toBe('done\n');
    expect(events.some(({ event }) => event.case === 'gap')).toBe(false);
  });
});
