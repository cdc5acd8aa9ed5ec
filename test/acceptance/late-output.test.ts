import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProcessState } from '../../src/gen/runlet/v1/process_pb.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { childProcessLauncher } from '../../src/process/child-process-launcher.ts';
import { ProcessHost } from '../../src/process/process-host.ts';
import { ProcessTable } from '../../src/process/process-table.ts';
import { decodeBatch } from '../support/decode.ts';
import { outputOf, readUntil, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { memoryStore } from '../support/output.ts';
import { awaitRelease, PATH, release, startShell } from '../support/shell.ts';

/** Exits at once, and leaves a child that holds stdout and writes to it when it is released. */
const SCRIPT = `(${awaitRelease('go')}; echo late) & echo early; exit 7`;

const RETENTION_MS = 1_000;
const LONG_MS = 600_000;

describe('a child that holds stdout after its parent exited', () => {
  it('is read on to the end of its output, and retention begins there: over gRPC', async () => {
    const clock = new FakeClock();
    const limits = { maxReadWaitMs: LONG_MS, heartbeatMs: 10 * LONG_MS };
    const harness = await startHarness({ clock, limits });
    const { processes } = harness;
    const retention = { seconds: BigInt(RETENTION_MS / 1000), nanos: 0 };
    const target = await startShell(harness, SCRIPT, { retention }, 'job');

    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    const first = await readUntil(watch, ({ event }) => event.case === 'exited');
    expect(summarize(first)).toEqual(['started', 'stdout@0 "early\\n"', 'exited code 7 reason 1']);
    const exitSeq = first.at(-1)?.seq ?? 0n;

    clock.advance(LONG_MS);
    const whileOpen = await processes.getProcess(target);
    expect(whileOpen.process?.state).toBe(ProcessState.EXITED);

    const wait = { seconds: BigInt(LONG_MS / 1000), nanos: 0 };
    const poll = processes.readProcess({ ...target, afterSeq: exitSeq, wait });
    await release(harness, 'go');
    expect(outputOf((await poll).events).toString()).toBe('late\n');

    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    expect(summarize(rest)).toEqual(['stdout@6 "late\\n"', 'closed true']);
    // The stream is over, so that it holds the process no more.
    expect((await watch.next()).done).toBe(true);

    // Retention counts from closure, and has just begun.
    clock.advance(RETENTION_MS - 1);
    const again = await processes.readProcess(target);
    expect(outputOf(again.events).toString()).toBe('early\nlate\n');
    expect(again.process?.state).toBe(ProcessState.CLOSED);

    clock.advance(1);
    expect((await failureOf(processes.readProcess(target))).summary).toBe(
      'NOT_FOUND/PROCESS_EVICTED',
    );
    await startShell(harness, 'echo again', {}, 'job');
    await processes.waitProcess(target);
    expect(outputOf((await processes.readProcess(target)).events).toString()).toBe('again\n');
  });

  it('is read on to the end of its output, and retention begins there: in the library', async () => {
    const clock = new FakeClock();
    const folder = await temporaryFolder();
    const host = new ProcessHost({
      launcher: childProcessLauncher,
      clock,
      limits: DEFAULT_LIMITS,
      store: memoryStore(clock),
      environment: new Map(),
    });
    const table = new ProcessTable({
      owner: 's',
      principal: 'p',
      maxWatchers: 10,
      host,
      clock,
      newId: () => 'made',
      onEvent: () => {},
    });
    const process = await table.start({
      processId: 'job',
      requestId: '',
      fingerprint: '',
      spec: {
        argv: ['/bin/sh', '-c', SCRIPT],
        arg0: 'sh',
        cwd: folder,
        envPolicy: undefined,
        user: undefined,
        sandbox: undefined,
        env: new Map([['PATH', PATH]]),
        stdin: 'closed',
        terminal: undefined,
        mergeStderr: false,
        limits: undefined,
        timeoutMs: undefined,
        drainTimeoutMs: undefined,
        retainedBytes: 1_000,
        overflow: 'drop-oldest',
        retentionMs: RETENTION_MS,
        labels: new Map(),
      },
    });
    await process.exited.wait();
    expect(process.record.phase.state).toBe('exited');
    clock.advance(LONG_MS);

    const cursor = table.openCursor('job', process.lastSeq);
    const waiting = cursor.wait(LONG_MS, new AbortController().signal);
    await release({ folder: join(folder) }, 'go');
    expect(await waiting).toBe('ready');
    expect(outputOf(decodeBatch(await cursor.read(1))).toString()).toBe('late\n');
    cursor.close();

    await process.closed.wait();
    // One turn, in which the table learns of it too.
    await new Promise(setImmediate);
    clock.advance(RETENTION_MS - 1);
    const again = table.openCursor('job', 0);
    expect(outputOf(decodeBatch(await again.read(1_000))).toString()).toBe('early\nlate\n');
    again.close();
    clock.advance(1);
    expect(() => table.get('job')).toThrow(expect.objectContaining({ reason: 'PROCESS_EVICTED' }));
    expect(host.size).toBe(0);
  });
});
