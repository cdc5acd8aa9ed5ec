import { describe, expect, it } from 'vitest';
import { EndReason, OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import { ProcessState, StdinMode, WaitUntil } from '../../src/gen/runlet/v1/process_pb.ts';
import { Signal, SignalScope } from '../../src/gen/runlet/v1/signal_pb.ts';
import { collect, isStdout, outputOf, readUntil, seqsOf, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness } from '../support/harness.ts';
import { awaitRelease, release, startShell } from '../support/shell.ts';

describe('a process', () => {
  it('exits and closes', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'true');
    const events = await collect(harness.processes.watchProcess(target));
    expect(summarize(events)).toEqual(['started', 'exited code 0 reason 1', 'closed true']);
    const { process } = await harness.processes.getProcess(target);
    expect(process?.state).toBe(ProcessState.CLOSED);
    expect(process?.reason).toBe(EndReason.EXITED);
    expect(process?.status?.status).toEqual({ case: 'code', value: 0 });
    expect(process?.lastSeq).toBe(3n);
  });

  it('has its events in order: what it wrote, its exit, its closure', async () => {
    const harness = await startHarness();
    for (let i = 0; i < 20; i++) {
      const target = await startShell(harness, 'echo out; echo err >&2; exit 7');
      const events = await collect(harness.processes.watchProcess(target));
      expect(seqsOf(events)).toEqual([1, 2, 3, 4, 5]);
      const [started, ...rest] = summarize(events);
      expect(started).toBe('started');
      expect(rest.slice(0, 2).sort()).toEqual(['stderr@0 "err\\n"', 'stdout@0 "out\\n"']);
      expect(rest.slice(2)).toEqual(['exited code 7 reason 1', 'closed true']);
    }
  });

  it('says how many bytes each stream had', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'printf 12345; printf 123 >&2');
    const closed = (await collect(harness.processes.watchProcess(target))).at(-1)?.event;
    expect(
      closed?.case === 'closed' && closed.value.totals.map((t) => [t.stream, t.bytes]),
    ).toEqual([
      [OutputStream.STDOUT, 5n],
      [OutputStream.STDERR, 3n],
    ]);
  });

  it('can be watched while it goes on', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'echo one; read line; echo "two $line"', {
      stdin: StdinMode.PIPE,
    });
    const responses = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    const first = await readUntil(responses, isStdout);
    expect(outputOf(first).toString()).toBe('one\n');
    await harness.processes.writeStdin({ ...target, data: Buffer.from('more\n') });
    const second = await readUntil(responses, ({ event }) => event.case === 'closed');
    expect(outputOf(second).toString()).toBe('two more\n');
  });

  it('shows what it wrote before anybody watched, and after it closed, again and again', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'echo early; echo more');
    await harness.processes.waitProcess(target);
    const first = await collect(harness.processes.watchProcess(target));
    const second = await collect(harness.processes.watchProcess(target));
    expect(outputOf(first).toString()).toBe('early\nmore\n');
    expect(summarize(second)).toEqual(summarize(first));
  });

  it('can be resumed after any of its events', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'echo a; echo b >&2; echo c');
    const all = await collect(harness.processes.watchProcess(target));
    for (const seq of seqsOf(all)) {
      const rest = await collect(
        harness.processes.watchProcess({ ...target, afterSeq: BigInt(seq) }),
      );
      expect(seqsOf(rest)).toEqual(seqsOf(all).filter((s) => s > seq));
    }
  });

  it('keeps NULs and split characters as they were written', async () => {
    const harness = await startHarness();
    const script = String.raw`printf '\000\360\237'; sleep 0.05; printf '\230\200\377\000'`;
    const target = await startShell(harness, script);
    const output = outputOf(await collect(harness.processes.watchProcess(target)));
    expect(output.toString('hex')).toBe('00f09f9880ff00');
  });

  it('leads a session and a group of its own, with default signals', async () => {
    const harness = await startHarness();
    const script = `
      set -- $(cat /proc/$$/stat | sed 's/.*) //'); echo "pgrp $3 session $4 pid $$"
      grep -E '^(SigBlk|SigIgn):' /proc/$$/status | tr -d '\\t'`;
    const target = await startShell(harness, script);
    const output = outputOf(await collect(harness.processes.watchProcess(target))).toString();
    const { process } = await harness.processes.getProcess(target);
    const pid = String(process?.pid);
    expect(output.split('\n')).toEqual([
      `pgrp ${pid} session ${pid} pid ${pid}`,
      'SigBlk:0000000000000000',
      'SigIgn:0000000000000000',
      '',
    ]);
  });

  it('sees the name and the folder that it was given', async () => {
    const harness = await startHarness();
    const { process } = await harness.processes.startProcess({
      sessionId: harness.sessionId,
      spec: { argv: ['/bin/sh', '-c', 'echo "$0"; pwd', 'other'], arg0: 'sh', cwd: '/usr' },
    });
    const target = { sessionId: harness.sessionId, processId: process?.processId ?? '' };
    const output = outputOf(await collect(harness.processes.watchProcess(target))).toString();
    expect(output).toBe('other\n/usr\n');
  });
});

describe('a signal', () => {
  it('reaches a trap, and the exit code of the trap is kept', async () => {
    const harness = await startHarness();
    const target = await startShell(
      harness,
      'trap "echo trapped; exit 7" INT; echo ready; while :; do sleep 0.01; done',
    );
    const responses = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    await readUntil(responses, isStdout);
    await harness.processes.signalProcess({ ...target, signal: Signal.INT });
    const rest = await readUntil(responses, ({ event }) => event.case === 'closed');
    expect(outputOf(rest).toString()).toBe('trapped\n');
    expect(summarize(rest)).toContain('exited code 7 reason 1');
  });

  it('that ends the process is its status, and the reason that of no request', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'sleep 1000');
    await harness.processes.signalProcess({ ...target, signal: Signal.KILL });
    const { process } = await harness.processes.waitProcess({ ...target, until: WaitUntil.EXITED });
    expect(process?.status?.status).toEqual({ case: 'signal', value: Signal.KILL });
    expect(process?.reason).toBe(EndReason.SIGNALED);
  });

  it('for the leader does not reach its children', async () => {
    const harness = await startHarness();
    const target = await startShell(
      harness,
      `(trap "echo child" TERM; echo ready; ${awaitRelease('go')}; echo survived) & wait`,
    );
    const responses = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    await readUntil(responses, isStdout);
    const toLeader = { ...target, signal: Signal.TERM, scope: SignalScope.LEADER };
    await harness.processes.signalProcess(toLeader);
    await harness.processes.waitProcess({ ...target, until: WaitUntil.EXITED });
    const failure = await failureOf(harness.processes.signalProcess(toLeader));
    expect(failure.summary).toBe('FAILED_PRECONDITION/PROCESS_EXITED');
    await release(harness, 'go');
    const rest = await readUntil(responses, ({ event }) => event.case === 'closed');
    expect(outputOf(rest).toString()).toBe('survived\n');
  });

  it('for the group reaches what an exited leader left behind in it', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, '(echo ready; while :; do sleep 0.01; done) & exit 3');
    const responses = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    const first = await readUntil(responses, ({ event }) => event.case === 'exited');
    expect(summarize(first)).toContain('exited code 3 reason 1');
    await harness.processes.signalProcess({ ...target, signal: Signal.KILL });
    const rest = await readUntil(responses, ({ event }) => event.case === 'closed');
    expect(summarize(rest)).toContain('closed true');
  });

  it('to a process of which nothing is left is refused', async () => {
    const harness = await startHarness();
    const target = await startShell(harness, 'true');
    await harness.processes.waitProcess(target);
    const failure = await failureOf(
      harness.processes.signalProcess({ ...target, signal: Signal.TERM }),
    );
    expect(failure.summary).toBe('FAILED_PRECONDITION/PROCESS_EXITED');
  });
});
