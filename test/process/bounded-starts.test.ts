import { describe, expect, it } from 'vitest';
import { HUNG_START_MS, MAX_START_MS, PLACE_CHECK_MS } from '../../src/limits.ts';
import { BoundedStarts } from '../../src/process/bounded-starts.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { ScriptedLauncher } from '../support/scripted-launcher.ts';
import { settle } from '../support/settle.ts';

const THREADS = 4;

/** Starts of which those that begin are counted, and a launcher for what checks places. */
function rig() {
  const clock = new FakeClock();
  const launcher = new ScriptedLauncher();
  const starts = new BoundedStarts(launcher, clock, THREADS);
  const signals: AbortSignal[] = [];
  const ends: (() => void)[] = [];
  return {
    clock,
    launcher,
    starts,
    /** Of those that have begun. */
    signals,
    /** One that is over when it is told to be. */
    ask(cwd = '/'): Promise<string> {
      const place = { cwd, program: 'tool', folders: ['/bin'] };
      return starts.use(
        { principal: 'one', asker: 'who' },
        async () => place,
        (signal) => {
          signals.push(signal);
          return new Promise((resolve) => ends.push(() => resolve('started')));
        },
      );
    },
    endAll(): void {
      for (const end of ends.splice(0)) end();
    },
  };
}

/** What became of a start: `started`, or why it failed. */
async function outcomeOf(start: Promise<string>): Promise<string> {
  return start.catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
}

describe('starts', () => {
  it('look at nothing before while none hangs', async () => {
    const { ask, endAll, launcher } = rig();
    const start = ask();
    await settle();
    expect(launcher.running).toBe(0);
    endAll();
    expect(await start).toBe('started');
  });

  it('begin while one hangs if what they look at answers', async () => {
    const { ask, clock, endAll, launcher, signals } = rig();
    void ask();
    await settle();
    clock.advance(HUNG_START_MS);
    const start = ask();
    await settle();
    expect([launcher.running, signals.length]).toEqual([1, 1]);
    launcher.exitAll();
    await settle();
    expect(signals).toHaveLength(2);
    endAll();
    expect(await start).toBe('started');
  });

  it('that waited while one began to hang are looked at as well', async () => {
    const { ask, clock, launcher, signals } = rig();
    for (let i = 0; i < 3; i++) void ask();
    await settle();
    clock.advance(HUNG_START_MS);
    await settle();
    expect([launcher.running, signals.length]).toEqual([1, 2]);
    launcher.exitAll();
    await settle();
    expect(signals).toHaveLength(3);
  });

  it('fail where it does not answer, after one look for all', async () => {
    const { ask, clock, launcher, signals } = rig();
    void ask();
    await settle();
    clock.advance(HUNG_START_MS);
    const hung = Array.from({ length: 100 }, () => outcomeOf(ask('/hung')));
    await settle();
    expect(launcher.running).toBe(1);
    clock.advance(PLACE_CHECK_MS);
    for (const outcome of await Promise.all(hung)) expect(outcome).toContain('does not answer');
    // It could not be killed: it stands for those who come later.
    expect(await outcomeOf(ask('/hung'))).toContain('does not answer');
    expect([launcher.running, signals.length]).toEqual([1, 1]);
    launcher.exitAll();
    await settle();
    void ask('/hung');
    await settle();
    launcher.exitAll();
    await settle();
    expect(signals).toHaveLength(2);
  });

  it('fail when they take too long, and are given up', async () => {
    const { ask, clock, signals } = rig();
    const start = outcomeOf(ask());
    await settle();
    clock.advance(MAX_START_MS);
    expect(await start).toContain('took too long');
    expect(signals[0]?.aborted).toBe(true);
  });
});
