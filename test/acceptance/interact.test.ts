import { describe, expect, it } from 'vitest';
import { type InteractResponse, StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { attach } from '../support/attach.ts';
import { collect, isStdout, outputOf, readUntil, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness } from '../support/harness.ts';
import { interact } from '../support/interact.ts';
import { shellSpec, startShell } from '../support/shell.ts';

const stdin = StdinMode.PIPE;

describe('an interaction', () => {
  it('starts a process, talks with it, and is told all to the end', async () => {
    const harness = await startHarness();
    const { sessionId } = harness;
    const call = interact(harness);
    const spec = shellSpec('while read -r line; do echo "got $line"; done; exit 3', { stdin });
    call.send({ case: 'start', value: { sessionId, spec } });
    const first = (await call.responses.next()).value as InteractResponse;
    expect(first.process?.processId).not.toBe('');
    for (const word of ['one', 'two']) {
      call.write(`${word}\n`);
      const events = await readUntil(call.responses, isStdout);
      expect(outputOf(events).toString()).toBe(`got ${word}\n`);
    }
    call.write('', true);
    expect(summarize(await call.closed()).slice(-2)).toEqual([
      'exited code 3 reason 1',
      'closed true',
    ]);
    expect((await call.responses.next()).done).toBe(true);
  });

  it('attaches to a process that is there, and goes on after an event', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'echo early; read -r line; echo "$line"', { stdin });
    await harness.processes.readProcess({
      ...target,
      afterSeq: 1n,
      wait: { seconds: 30n, nanos: 0 },
    });
    const call = interact(harness);
    call.send({ case: 'attach', value: { ...target, afterSeq: 2n } });
    call.write('late\n');
    expect(outputOf(await call.closed()).toString()).toBe('late\n');
  });

  it('sends signals, also while stdin waits for the process to read', async () => {
    const harness = await startHarness();
    const call = interact(harness);
    const script = 'trap "echo trapped; exit 7" INT; echo ready; while :; do sleep 0.01; done';
    const { sessionId } = harness;
    call.send({ case: 'start', value: { sessionId, spec: shellSpec(script, { stdin }) } });
    await readUntil(call.responses, isStdout);
    // More than the pipe takes, and less than is taken ahead.
    call.write('x'.repeat(200_000));
    call.send({ case: 'signal', value: { signal: Signal.INT } });
    const events = await call.closed();
    expect(outputOf(events).toString()).toBe('trapped\n');
    expect(summarize(events)).toContain('exited code 7 reason 1');
  });

  it('goes on when the process takes no stdin', async () => {
    const harness = await startHarness();
    const call = interact(harness);
    const { sessionId } = harness;
    const spec = shellSpec('echo ready; while [ ! -e go ]; do sleep 0.01; done; exit 4');
    call.send({ case: 'start', value: { sessionId, spec } });
    await readUntil(call.responses, isStdout);
    call.write('nobody reads this');
    call.send(undefined);
    await startShell(harness, 'touch go');
    expect(summarize(await call.closed())).toContain('exited code 4 reason 1');
  });

  it('that is cut leaves the process as it is', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const call = interact(harness);
    const spec = shellSpec('echo ready; read -r line; echo "got $line"', { stdin });
    call.send({ case: 'start', value: { sessionId, processId: 'job', spec } });
    await readUntil(call.responses, isStdout);
    call.abort();
    expect((await failureOf(call.closed())).summary).toBe('CANCELLED/undefined');
    const target = { sessionId, processId: 'job' };
    await processes.writeStdin({ ...target, data: Buffer.from('more\n') });
    const events = await collect(processes.watchProcess(target));
    expect(outputOf(events).toString()).toBe('ready\ngot more\n');
  });

  it('moves much both ways, unharmed', async () => {
    const harness = await startHarness();
    const call = interact(harness);
    const { sessionId } = harness;
    const output = { retainedBytes: 64_000_000n };
    call.send({ case: 'start', value: { sessionId, spec: shellSpec('cat', { stdin, output }) } });
    const piece = Buffer.alloc(100_000, 'abc');
    for (let i = 0; i < 100; i++) call.send({ case: 'stdin', value: { data: piece } });
    call.write('', true);
    const read = outputOf(await call.closed());
    expect(read.equals(Buffer.concat(Array.from({ length: 100 }, () => piece)))).toBe(true);
  });

  it('for an attachment ends when another takes over', async () => {
    const harness = await startHarness();
    const { attachmentId } = await attach(harness, harness.sessionId);
    const target = await startShell(harness, 'sleep 1000');
    const call = interact(harness);
    call.send({ case: 'attach', value: { ...target, attachmentId } });
    await call.responses.next();
    await attach(harness, harness.sessionId);
    expect((await failureOf(call.closed())).summary).toBe('ABORTED/ATTACHMENT_SUPERSEDED');
  });
});

describe('an interaction that makes no sense', () => {
  it.each([
    ['nothing at all', [undefined], 'INVALID_ARGUMENT/INVALID_REQUEST'],
    ['stdin first', [{ case: 'stdin', value: {} }], 'INVALID_ARGUMENT/INVALID_REQUEST'],
    [
      'a start without a program',
      [{ case: 'start', value: { spec: {} } }],
      'INVALID_ARGUMENT/INVALID_REQUEST',
    ],
  ] as const)('fails: %s', async (_, messages, summary) => {
    const harness = await startHarness();
    const call = interact(harness);
    for (const message of messages) call.send(message);
    expect((await failureOf(call.closed())).summary).toBe(summary);
  });

  it.each([
    ['a second start', { case: 'start', value: {} }, 'INVALID_ARGUMENT/INVALID_REQUEST'],
    ['no signal', { case: 'signal', value: {} }, 'INVALID_ARGUMENT/INVALID_REQUEST'],
    ['a gap in stdin', { case: 'stdin', value: { offset: 5n } }, 'OUT_OF_RANGE/STDIN_OFFSET_GAP'],
  ] as const)('fails later, and leaves the process as it is: %s', async (_, message, summary) => {
    const harness = await startHarness();
    const target = await startShell(harness, 'read -r line; exit 5', { stdin });
    const call = interact(harness);
    call.send({ case: 'attach', value: target });
    await call.responses.next();
    call.send(message);
    expect((await failureOf(call.closed())).summary).toBe(summary);
    await harness.processes.writeStdin({ ...target, data: Buffer.from('\n') });
    const { process } = await harness.processes.waitProcess(target);
    expect(process?.status?.status).toEqual({ case: 'code', value: 5 });
  });
});
