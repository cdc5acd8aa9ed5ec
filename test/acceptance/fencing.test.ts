import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { StdinMode, type StreamStdinRequestSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { AttachMode, type AttachSessionResponse } from '../../src/gen/runlet/v1/session_pb.ts';
import { attach } from '../support/attach.ts';
import { collect, outputOf } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { connectClients, type Harness, startHarness } from '../support/harness.ts';
import { startShell } from '../support/shell.ts';

type StdinInit = MessageInitShape<typeof StreamStdinRequestSchema>;

const SUPERSEDED = 'ABORTED/ATTACHMENT_SUPERSEDED';
const wait = { seconds: 20n, nanos: 0 };

describe('an attachment that is taken over', () => {
  it('loses its stream, its long poll, its watch and its writes to stdin, at once', async () => {
    // It stands still: no heartbeat comes and no wait is ever over.
    const clock = new FakeClock();
    const harness = await startHarness({ clock });
    const { processes, sessionId } = harness;
    // Silent and long-lived, so that nothing but the take-over ends anything.
    const target = await startShell(harness, 'exec sleep 1000', { stdin: StdinMode.PIPE });
    const first = await attach(harness, sessionId);
    const mine = { ...target, attachmentId: first.attachmentId };

    const poll = processes.readProcess({ ...mine, afterSeq: 1n, wait });
    const watch = collect(processes.watchProcess({ ...mine, afterSeq: 1n }));
    // More than the pipe takes: it waits for a reader that never comes.
    const write = processes.writeStdin({ ...mine, data: Buffer.alloc(2_000_000) });
    const idle = new Promise<never>(() => {});
    async function* stream(): AsyncGenerator<StdinInit> {
      yield { ...mine, offset: 0n };
      await idle;
    }
    const streamed = processes.streamStdin(stream());
    const waiting = processes.waitProcess(mine);
    const anonymous = processes.readProcess({ ...target, afterSeq: 1n, wait });
    const underWay = (): number => harness.log.filter((line) => line.includes('"call"')).length;
    const before = underWay();
    await processes.getProcess(mine);

    const other = connectClients(harness.address);
    const second = await attach(other, sessionId);
    const failures = await Promise.all(
      [first.toEnd(), poll, watch, write, streamed, waiting].map(failureOf),
    );
    expect(failures.map(({ summary }) => summary)).toEqual(Array(6).fill(SUPERSEDED));
    expect(underWay()).toBeGreaterThan(before);

    expect((await failureOf(processes.getProcess(mine))).summary).toBe(SUPERSEDED);
    await processes.getProcess({ ...target, attachmentId: second.attachmentId });
    // A call that carries no attachment is not concerned.
    const terminated = processes.terminateProcess({ ...target, grace: { seconds: 0n, nanos: 0 } });
    expect((await anonymous).events.length).toBeGreaterThan(0);
    await terminated;
  });

  it('may go on with its calls when its stream ended, until another attaches', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const target = await startShell(harness, 'sleep 1000');
    const first = await attach(harness, sessionId);
    const mine = { ...target, attachmentId: first.attachmentId };
    await first.detach();
    const poll = processes.readProcess({ ...mine, afterSeq: 1n, wait });
    await processes.getProcess(mine);
    await attach(harness, sessionId);
    expect((await failureOf(poll)).summary).toBe(SUPERSEDED);
  });

  it('is not mistaken for one that never was', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'true');
    const attachmentId = '00000000-0000-4000-8000-000000000000';
    const call = harness.processes.getProcess({ ...target, attachmentId });
    expect((await failureOf(call)).summary).toBe(SUPERSEDED);
    const nonsense = harness.processes.getProcess({ ...target, attachmentId: 'nonsense' });
    expect((await failureOf(nonsense)).summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
  });
});

describe('a stream of stdin', () => {
  it('writes message after message, to its end-of-file', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'cat', { stdin: StdinMode.PIPE });
    const piece = Buffer.alloc(100_000, 'ab');
    async function* stream(): AsyncGenerator<StdinInit> {
      yield { ...target, data: piece };
      for (let i = 1; i < 50; i++) yield { data: piece };
      yield { eof: true };
    }
    const events = collect(processes.watchProcess(target));
    const { acceptedOffset } = await processes.streamStdin(stream());
    expect(acceptedOffset).toBe(5_000_000n);
    const output = outputOf(await events);
    expect(output.equals(Buffer.alloc(5_000_000, 'ab'))).toBe(true);
  });

  it('that is cut is not end-of-file, and is resumed by its offset', async () => {
    const harness = await startHarness();
    const { processes } = harness;
    const target = await startShell(harness, 'cat', { stdin: StdinMode.PIPE });
    const abort = new AbortController();
    const idle = new Promise<never>(() => {});
    async function* cut(): AsyncGenerator<StdinInit> {
      yield { ...target, offset: 0n, data: Buffer.from('one ') };
      await idle;
    }
    const streamed = processes.streamStdin(cut(), { signal: abort.signal });
    const read = await processes.readProcess({ ...target, afterSeq: 1n, wait });
    expect(outputOf(read.events).toString()).toBe('one ');
    abort.abort();
    expect((await failureOf(streamed)).summary).toBe('CANCELLED/undefined');
    async function* again(): AsyncGenerator<StdinInit> {
      yield { ...target, offset: 0n, data: Buffer.from('one two') };
      yield { offset: 7n, eof: true };
    }
    expect((await processes.streamStdin(again())).acceptedOffset).toBe(7n);
    const output = outputOf(await collect(processes.watchProcess(target)));
    expect(output.toString()).toBe('one two');
  });

  it('is about one process', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'cat', { stdin: StdinMode.PIPE });
    async function* stray(): AsyncGenerator<StdinInit> {
      yield { ...target, data: Buffer.from('x') };
      yield { processId: 'other', data: Buffer.from('y') };
    }
    const failure = await failureOf(harness.processes.streamStdin(stray()));
    expect(failure.summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    async function* nothing(): AsyncGenerator<StdinInit> {}
    expect((await failureOf(harness.processes.streamStdin(nothing()))).summary).toBe(
      'INVALID_ARGUMENT/INVALID_REQUEST',
    );
  });
});

describe('an attachment that is resumed', () => {
  const HOLDER = '0d5a3c7e-8f5b-4a57-9a52-6a3c4b1f2e01';
  const OTHER = '7c1b2a90-3f4e-4d5c-8b6a-112233445566';
  const { RESUME, TAKE_OVER } = AttachMode;

  /** Attaches as a holder; resolves when it is attached, or with how it failed. */
  async function hold(
    harness: Harness,
    mode: AttachMode,
    holderId: string,
    attempt: bigint,
  ): Promise<AsyncIterator<AttachSessionResponse>> {
    const { sessionId } = harness;
    const stream = harness.sessions.attachSession({ sessionId, mode, holderId, attempt });
    const events = stream[Symbol.asyncIterator]();
    await events.next();
    return events;
  }

  it('is superseded by the next of its holder', async () => {
    const harness = await startHarness();
    const first = await hold(harness, TAKE_OVER, HOLDER, 1n);
    await hold(harness, RESUME, HOLDER, 2n);
    expect((await failureOf(first.next())).summary).toBe(SUPERSEDED);
  });

  it('is not superseded by an attempt that comes late', async () => {
    const harness = await startHarness();
    const { processes, sessionId } = harness;
    const events = await hold(harness, TAKE_OVER, HOLDER, 2n);
    for (const [mode, attempt] of [
      [TAKE_OVER, 1n],
      [RESUME, 1n],
      [RESUME, 2n],
    ] as const) {
      const late = await failureOf(hold(harness, mode, HOLDER, attempt));
      expect(late.summary).toBe(SUPERSEDED);
    }
    await startShell(harness, 'true', {}, 'witness');
    expect((await events.next()).value?.event?.event.case).toBe('processStarted');
    await processes.getProcess({ sessionId, processId: 'witness' });
  });

  it('does not take the session back from another', async () => {
    const harness = await startHarness();
    await hold(harness, TAKE_OVER, HOLDER, 1n);
    const other = await hold(harness, TAKE_OVER, OTHER, 1n);
    const back = await failureOf(hold(harness, RESUME, HOLDER, 2n));
    expect(back.summary).toBe(SUPERSEDED);
    await other.return?.();
    // Not after its end either: it may come back.
    expect((await failureOf(hold(harness, RESUME, HOLDER, 3n))).summary).toBe(SUPERSEDED);
  });

  it('does not take another session of the same id for its own', async () => {
    const harness = await startHarness();
    const { sessionId, sessions } = harness;
    await hold(harness, TAKE_OVER, HOLDER, 1n);
    await sessions.closeSession({ sessionId });
    await sessions.createSession({ sessionId });
    const resumed = await failureOf(hold(harness, RESUME, HOLDER, 2n));
    expect(resumed.summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
  });

  it('needs to say whose it is, and which attempt', async () => {
    const harness = await startHarness();
    const violations = async (holderId: string, attempt: bigint): Promise<unknown> => {
      const failure = await failureOf(hold(harness, RESUME, holderId, attempt));
      return failure.badRequest?.fieldViolations.map(({ field }) => field);
    };
    expect(await violations('', 1n)).toEqual(['holder_id']);
    expect(await violations('me', 1n)).toEqual(['holder_id']);
    expect(await violations(HOLDER, 0n)).toEqual(['attempt']);
  });
});
