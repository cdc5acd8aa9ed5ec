import { describe, expect, it } from 'vitest';
import { OutputStream, type ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { outputOf, summarize } from '../support/events.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { interact } from '../support/interact.ts';
import { PATH } from '../support/shell.ts';

/** An interactive shell on a terminal, and what it showed so far. */
async function startBash(): Promise<ReturnType<typeof openBash>> {
  // The only launcher that gives terminals, whichever the other tests are run with.
  const harness = await startHarness({ launcher: createLauncher('posix_spawn') });
  return openBash(harness);
}

function openBash(harness: Harness) {
  const call = interact(harness);
  const spec = {
    argv: ['bash', '--norc', '--noprofile', '-i'],
    env: { PATH, PS1: 'prompt> ', LC_ALL: 'C' },
    terminal: { size: { columns: 90, rows: 20 }, term: 'xterm' },
  };
  call.send({ case: 'start', value: { sessionId: harness.sessionId, spec } });
  const events: ProcessEvent[] = [];
  return {
    ...call,
    /** Reads on until what matches was shown, and forgets all to there. */
    async showing(pattern: RegExp): Promise<void> {
      while (!pattern.test(outputOf(events, OutputStream.TERMINAL).toString())) {
        const { done, value } = await call.responses.next();
        if (done) throw new Error(`it ended with ${summarize(events)}`);
        events.push(...value.events);
      }
      events.length = 0;
    },
  };
}

describe('an interactive shell', () => {
  it('has its prompt, and edits a line as it is typed', async () => {
    const bash = await startBash();
    await bash.showing(/prompt> $/);
    // A character too many, taken back; then the beginning of the line, by Ctrl-A.
    bash.write('ho $((20 + 2))0\x7f\x01ec\r');
    await bash.showing(/[\r\n]22\r\n/);
    bash.write('exit 7\r');
    expect(summarize(await bash.closed()).slice(-2)).toEqual([
      'exited code 7 reason 1',
      'closed true',
    ]);
  });

  it('goes on when Ctrl-C interrupts what runs in its foreground', async () => {
    const bash = await startBash();
    await bash.showing(/prompt> $/);
    bash.write("sh -c 'echo ready-$((1 + 1)); exec sleep 1000'\r");
    await bash.showing(/ready-2\r\n/);
    bash.write('\x03');
    await bash.showing(/\^C.*prompt> $/s);
    bash.write('echo "interrupted=$?"; exit\r');
    await bash.showing(/interrupted=130\r\n/);
    await bash.closed();
  });

  it('is told of a new size', async () => {
    const bash = await startBash();
    await bash.showing(/prompt> $/);
    bash.write('stty size\r');
    await bash.showing(/[\r\n]20 90\r\n/);
    bash.send({ case: 'resize', value: { columns: 70, rows: 15 } });
    bash.write('stty size; exit\r');
    await bash.showing(/[\r\n]15 70\r\n/);
    await bash.closed();
  });
});
