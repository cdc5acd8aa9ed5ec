import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { collect, isStdout, outputOf, readUntil, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness } from '../support/harness.ts';
import { awaitRelease, release, startShell } from '../support/shell.ts';

const pipe = { stdin: StdinMode.PIPE };

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

describe('stdin', () => {
  it('is end-of-file at once, and closed to writes, unless a pipe is asked for', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'cat; echo end; read line');
    const failure = await failureOf(
      harness.processes.writeStdin({ ...target, data: Buffer.from('x') }),
    );
    expect(failure.summary).toBe('FAILED_PRECONDITION/STDIN_CLOSED');
    const events = await collect(harness.processes.watchProcess(target));
    expect(summarize(events)).toEqual([
      'started',
      'stdout@0 "end\\n"',
      'exited code 1 reason 1',
      'closed true',
    ]);
  });

  it('arrives as it was written, to its end', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'cat', pipe);
    const first = await processes.writeStdin({ ...target, data: Buffer.from('one ') });
    const second = await processes.writeStdin({ ...target, data: Buffer.from('two'), eof: true });
    expect([first.acceptedOffset, second.acceptedOffset]).toEqual([4n, 7n]);
    const events = await collect(processes.watchProcess(target));
    expect(outputOf(events).toString()).toBe('one two');
    expect(summarize(events)).toContain('stdinClosed');
    expect(summarize(events).slice(-2)).toEqual(['exited code 0 reason 1', 'closed true']);
  });

  it('can end without a byte', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'cat; echo done', pipe);
    await harness.processes.writeStdin({ ...target, eof: true });
    const events = await collect(harness.processes.watchProcess(target));
    expect(outputOf(events).toString()).toBe('done\n');
  });

  it('takes a retried write once, by its offset', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'cat', pipe);
    const write = (
      offset: bigint,
      text: string,
      eof = false,
    ): ReturnType<typeof processes.writeStdin> =>
      processes.writeStdin({ ...target, offset, data: Buffer.from(text), eof });
    await write(0n, 'abc');
    expect((await write(0n, 'abc')).acceptedOffset).toBe(3n);
    expect((await write(1n, 'bcde')).acceptedOffset).toBe(5n);
    const gap = await failureOf(write(6n, 'x'));
    expect(gap.summary).toBe('OUT_OF_RANGE/STDIN_OFFSET_GAP');
    expect(gap.info?.metadata).toEqual({ accepted_offset: '5' });
    await write(5n, 'f', true);
    expect((await write(5n, 'f', true)).acceptedOffset).toBe(6n);
    expect((await failureOf(write(6n, 'x'))).summary).toBe('FAILED_PRECONDITION/STDIN_CLOSED');
    expect(outputOf(await collect(processes.watchProcess(target))).toString()).toBe('abcdef');
  });

  it('serializes concurrent writes whole', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'cat', pipe);
    const lines = Array.from({ length: 40 }, (_, i) =>
      `${String(i).padStart(2, '0')}`.repeat(1000),
    );
    await Promise.all(
      lines.map((line) => processes.writeStdin({ ...target, data: Buffer.from(`${line}\n`) })),
    );
    await processes.writeStdin({ ...target, eof: true });
    const output = outputOf(await collect(processes.watchProcess(target))).toString();
    expect(output.trimEnd().split('\n').sort()).toEqual(lines);
  });

  it('holds a write until the process reads, and takes a retry of one that is held once', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    // More than the kernel holds for a process that does not read.
    const data = randomBytes(3_000_000);
    const script = `dd bs=1 count=1 of=first 2>&-; echo begun; ${awaitRelease('go')}; sha256sum`;
    const target = await startShell(harness, script, pipe);
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    const abort = new AbortController();
    const held = processes.writeStdin({ ...target, offset: 0n, data }, { signal: abort.signal });
    // Its first byte was read, so its turn has come; then its call is lost.
    await readUntil(watch, isStdout);
    abort.abort();
    expect((await failureOf(held)).summary).toBe('CANCELLED/undefined');
    const retry = processes.writeStdin({ ...target, offset: 0n, data, eof: true });
    await release(harness, 'go');
    expect((await retry).acceptedOffset).toBe(BigInt(data.byteLength));
    const output = outputOf(await readUntil(watch, ({ event }) => event.case === 'closed'));
    expect(output.toString()).toContain(sha256(data.subarray(1)));
  });

  it('that the process closed is said to be closed, and ends nothing else', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(
      harness,
      `exec <&-; echo closed; ${awaitRelease('go')}; exit 5`,
      pipe,
    );
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    await readUntil(watch, isStdout);
    const write = (): Promise<unknown> =>
      processes.writeStdin({ ...target, data: Buffer.from('x') });
    expect((await failureOf(write())).summary).toBe('FAILED_PRECONDITION/STDIN_CLOSED');
    expect((await failureOf(write())).summary).toBe('FAILED_PRECONDITION/STDIN_CLOSED');
    await release(harness, 'go');
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    expect(summarize(rest)).toEqual(['stdinClosed', 'exited code 5 reason 1', 'closed true']);
  });

  it('of a process that exited before it read all is said to be closed', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'head -c 10 > /dev/null; exit 4', pipe);
    const write = processes.writeStdin({ ...target, data: randomBytes(3_000_000) });
    expect((await failureOf(write)).summary).toBe('FAILED_PRECONDITION/STDIN_CLOSED');
    const { process } = await processes.waitProcess(target);
    expect(process?.status?.status).toEqual({ case: 'code', value: 4 });
  });
});
