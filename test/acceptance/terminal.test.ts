import { describe, expect, it } from 'vitest';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { collect, outputOf, readUntil, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { shellSpec, startShell } from '../support/shell.ts';

/** The only launcher that gives terminals, whichever the other tests are run with. */
function start(): Promise<Harness> {
  return startHarness({ launcher: createLauncher('posix_spawn') });
}

const TERMINAL = OutputStream.TERMINAL;

/** Reads on until the terminal shows a text; returns all that it showed. */
async function showing(
  watch: AsyncIterator<{ readonly events: readonly ProcessEvent[] }>,
  text: string,
): Promise<string> {
  const events: ProcessEvent[] = [];
  while (!outputOf(events, TERMINAL).includes(text)) {
    const { done, value } = await watch.next();
    if (done) throw new Error(`it ended with ${outputOf(events, TERMINAL)}`);
    events.push(...value.events);
  }
  return outputOf(events, TERMINAL).toString();
}

describe('a process with a terminal', () => {
  it('has it for its three streams and its session, of the size and name that were asked for', async () => {
    const harness = await start();
    const script = 'tty <&1; tty <&2; stty size; echo $TERM; ps -o tpgid= -p $$; echo $$; exit 3';
    const terminal = { size: { columns: 111, rows: 33 }, term: 'vt100' };
    const target = await startShell(harness, script, { terminal });
    const events = await collect(harness.processes.watchProcess(target));
    const lines = outputOf(events, TERMINAL).toString().split('\r\n');
    expect(lines[0]).toMatch(/^\/dev\/pts\/\d+$/);
    expect(lines[1]).toBe(lines[0]);
    expect(lines.slice(2, 4)).toEqual(['33 111', 'vt100']);
    expect(Number(lines[4])).toBe(Number(lines[5]));
    expect(summarize(events).slice(-2)).toEqual(['exited code 3 reason 1', 'closed true']);
    const closed = events.at(-1)?.event;
    expect(closed?.case === 'closed' && closed.value.totals.map(({ stream }) => stream)).toEqual([
      TERMINAL,
    ]);
  });

  it('has a usual size and name where none is asked for, and TERM is what env says', async () => {
    const harness = await start();
    const usual = await startShell(harness, 'stty size; echo $TERM', { terminal: {} });
    const shown = outputOf(await collect(harness.processes.watchProcess(usual)), TERMINAL);
    expect(shown.toString()).toBe('24 80\r\nxterm-256color\r\n');
    const env = { PATH: process.env['PATH'] ?? '', TERM: 'dumb' };
    const own = await startShell(harness, 'echo $TERM', { terminal: { term: 'vt100' }, env });
    const ownShown = outputOf(await collect(harness.processes.watchProcess(own)), TERMINAL);
    expect(ownShown.toString()).toBe('dumb\r\n');
  });

  it('reads what is typed, with its echo, to end-of-file', async () => {
    const harness = await start();
    const { processes } = harness;
    const target = await startShell(harness, 'cat; echo end', { terminal: {} });
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    await processes.writeStdin({ ...target, data: Buffer.from('typed\n') });
    await showing(watch, 'typed\r\ntyped\r\n');
    await processes.writeStdin({ ...target, eof: true });
    await showing(watch, 'end\r\n');
  });

  it('reads to end-of-file though what is typed before it does not end a line', async () => {
    const harness = await start();
    const { processes } = harness;
    const target = await startShell(harness, 'stty -echo; cat; echo " end"', { terminal: {} });
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    await processes.writeStdin({ ...target, data: Buffer.from('unfin') });
    await processes.writeStdin({ ...target, data: Buffer.from('ished'), eof: true });
    await showing(watch, 'unfinished end\r\n');
  });

  it('is interrupted by Ctrl-C, as is what runs in its foreground', async () => {
    const harness = await start();
    const { processes } = harness;
    const script = 'trap "echo trapped; exit 7" INT; echo ready; while :; do sleep 0.01; done';
    const target = await startShell(harness, script, { terminal: {} });
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    await showing(watch, 'ready');
    await processes.writeStdin({ ...target, data: Buffer.from([3]) });
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    expect(outputOf(rest, TERMINAL).toString()).toContain('trapped');
    expect(summarize(rest)).toContain('exited code 7 reason 1');
  });

  it('is told of a new size', async () => {
    const harness = await start();
    const { processes } = harness;
    const script = 'trap "stty size" WINCH; echo ready; while :; do sleep 0.01; done';
    const target = await startShell(harness, script, { terminal: {} });
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    await showing(watch, 'ready');
    await processes.resizeTerminal({ ...target, size: { columns: 50, rows: 20 } });
    await showing(watch, '20 50');
    await processes.terminateProcess({ ...target, grace: { seconds: 0n, nanos: 0 } });
    await processes.waitProcess(target);
    const resize = processes.resizeTerminal({ ...target, size: { columns: 1, rows: 1 } });
    expect((await failureOf(resize)).summary).toBe('FAILED_PRECONDITION/PROCESS_EXITED');
  });

  it('loses nothing of what it wrote before it exited', async () => {
    const harness = await start();
    const expected = Array.from({ length: 200_000 }, (_, i) => `${i + 1}\r\n`).join('');
    for (let i = 0; i < 5; i++) {
      const spec = shellSpec('seq 1 200000', { terminal: {} });
      const events = await collect(harness.processes.run({ spec }));
      expect(outputOf(events, TERMINAL).toString() === expected).toBe(true);
    }
  });

  it('can leave something behind on its terminal, which is read on to its end', async () => {
    const harness = await start();
    const { processes } = harness;
    const script = `trap "" HUP; sh -c 'trap "" HUP; echo $$; while [ ! -e go ]; do sleep 0.01; done; echo late' & exit 0`;
    const target = await startShell(harness, script, { terminal: {} });
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    await readUntil(watch, ({ event }) => event.case === 'exited');
    await startShell(harness, 'touch go');
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    expect(outputOf(rest, TERMINAL).toString()).toContain('late\r\n');
    expect(summarize(rest).at(-1)).toBe('closed true');
  });

  it('is ended as any other', async () => {
    const harness = await start();
    const { processes } = harness;
    const target = await startShell(harness, 'echo $$; exec sleep 1000', { terminal: {} });
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    const pid = pidFrom(await showing(watch, '\n'));
    const { process } = await processes.terminateProcess(target);
    expect(process?.status?.status).toEqual({ case: 'signal', value: Signal.TERM });
    expect(isAlive(pid)).toBe(false);
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    expect(summarize(rest).at(-1)).toBe('closed true');
  });

  it('hangs up when it is ended, so that what ignores SIGTERM ends in its own way', async () => {
    const harness = await start();
    const { processes } = harness;
    const script = 'trap "" TERM; trap "exit 7" HUP; echo ready; while :; do sleep 0.01; done';
    const target = await startShell(harness, script, { terminal: {} });
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    await showing(watch, 'ready');
    const { process } = await processes.terminateProcess({ ...target, grace: { seconds: 3_600n } });
    expect(process?.status?.status).toEqual({ case: 'code', value: 7 });
  });

  it('that cannot be started leaves nothing', async () => {
    const harness = await start();
    const spec = { argv: ['/etc/passwd'], terminal: {} };
    const { sessionId } = harness;
    const failure = await failureOf(harness.processes.startProcess({ sessionId, spec }));
    expect(failure.summary).toBe('FAILED_PRECONDITION/START_FAILED');
    const size = { columns: 70_000, rows: 1 };
    const bad = startShell(harness, 'true', { terminal: { size } });
    expect((await failureOf(bad)).summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
  });
});

describe('a process without a terminal', () => {
  it('has no size to set', async () => {
    const harness = await start();
    const target = await startShell(harness, 'sleep 1000');
    const resize = harness.processes.resizeTerminal({ ...target, size: {} });
    expect((await failureOf(resize)).summary).toBe('FAILED_PRECONDITION/NO_TERMINAL');
  });

  it('is all that a launcher without terminals can start', async () => {
    const harness = await startHarness({ launcher: createLauncher('child_process') });
    const failure = await failureOf(startShell(harness, 'true', { terminal: {} }));
    expect(failure.summary).toBe('FAILED_PRECONDITION/START_FAILED');
    expect(failure.startFailure?.errnoName).toBe('ENOTSUP');
  });
});
