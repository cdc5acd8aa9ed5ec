import { describe, expect, it } from 'vitest';
import { MAX_WAITING_NOTICES, NOTICE_RETRY_MS } from '../../src/limits.ts';
import { createNotifier } from '../../src/systemd/notifier.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** A notifier, and a socket that takes what there is room for. */
function made() {
  const clock = new FakeClock();
  const sent: string[] = [];
  const problems: unknown[] = [];
  const state = { room: Number.POSITIVE_INFINITY, error: undefined as Error | undefined };
  const socket = {
    send(notice: string): boolean {
      if (state.error !== undefined) throw state.error;
      if (state.room === 0) return false;
      state.room -= 1;
      sent.push(notice);
      return true;
    },
    close: () => void sent.push('closed'),
  };
  const notifier = createNotifier({ clock, socket, onProblem: (err) => problems.push(err) });
  return { clock, notifier, problems, sent, state };
}

describe('what a service manager is told', () => {
  it('is sent at once, a line for each', () => {
    const { clock, notifier, sent } = made();
    notifier.tell({ READY: '1', STATUS: 'Listening' });
    expect(sent).toEqual(['READY=1\nSTATUS=Listening']);
    expect(clock.pending).toBe(0);
  });

  it('says nothing else than its names, whatever the values are', () => {
    const { notifier, sent } = made();
    notifier.tell({ STATUS: 'unix:/a\nMAINPID=1\0b' });
    expect(sent).toEqual(['STATUS=unix:/a?MAINPID=1?b']);
  });

  it('waits for room, in its order', () => {
    const { clock, notifier, sent, state } = made();
    state.room = 0;
    notifier.tell({ READY: '1' });
    notifier.tell({ RELOADING: '1' });
    notifier.tell({ READY: '1' });
    clock.advance(10 * NOTICE_RETRY_MS);
    expect(sent).toEqual([]);
    state.room = 2;
    clock.advance(NOTICE_RETRY_MS);
    expect(sent).toEqual(['READY=1', 'RELOADING=1']);
    state.room = 10;
    // What comes meanwhile does not overtake.
    notifier.tell({ STOPPING: '1' });
    expect(sent).toEqual(['READY=1', 'RELOADING=1']);
    clock.advance(NOTICE_RETRY_MS);
    expect(sent).toEqual(['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1']);
    expect(clock.pending).toBe(0);
  });

  it('waits once where it is the same again', () => {
    const { clock, notifier, sent, state } = made();
    state.room = 0;
    for (let i = 0; i < 5; i += 1) notifier.tell({ WATCHDOG: '1' });
    state.room = 10;
    clock.advance(NOTICE_RETRY_MS);
    expect(sent).toEqual(['WATCHDOG=1']);
  });

  it('is the newest where too much waits', () => {
    const { clock, notifier, sent, state } = made();
    state.room = 0;
    for (let i = 0; i < 2 * MAX_WAITING_NOTICES; i += 1) notifier.tell({ STATUS: String(i) });
    state.room = Number.POSITIVE_INFINITY;
    clock.advance(NOTICE_RETRY_MS);
    expect(sent).toHaveLength(MAX_WAITING_NOTICES);
    expect(sent.at(-1)).toBe(`STATUS=${2 * MAX_WAITING_NOTICES - 1}`);
  });

  it('is given up where it fails, which is told once until it succeeds again', () => {
    const { clock, notifier, problems, sent, state } = made();
    state.error = new Error('gone');
    notifier.tell({ READY: '1' });
    notifier.tell({ WATCHDOG: '1' });
    expect(problems).toEqual([state.error]);
    state.error = undefined;
    notifier.tell({ WATCHDOG: '1' });
    state.error = new Error('gone again');
    notifier.tell({ WATCHDOG: '1' });
    expect(problems).toHaveLength(2);
    expect(sent).toEqual(['WATCHDOG=1']);
    expect(clock.pending).toBe(0);
  });

  it('is nothing any more once it is closed', () => {
    const { clock, notifier, sent, state } = made();
    state.room = 0;
    notifier.tell({ READY: '1' });
    notifier.close();
    state.room = 10;
    clock.advance(10 * NOTICE_RETRY_MS);
    expect(sent).toEqual(['closed']);
  });
});
