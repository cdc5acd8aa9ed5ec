import { describe, expect, it } from 'vitest';
import { KILL_SETTLE_MS, MAX_TREE_POLL_MS, TREE_POLL_MS } from '../../src/limits.ts';
import { TreeEnding } from '../../src/process/tree-ending.ts';
import { FakeClock } from '../support/fake-clock.ts';

const TERM = 15;
const KILL = 9;
const HUP = 1;
const CONT = 18;

/** A tree whose members do what the test says, and its ending, which has begun. */
async function scripted(
  graceMs: number,
  { hangsUp = false, leaderExited = false, members = 0 } = {},
) {
  const clock = new FakeClock();
  const began = clock.now();
  const group = { leaderExited, members, looks: 0 };
  const sent: { readonly signal: number; readonly afterMs: number; readonly to: number }[] = [];
  const ending = new TreeEnding(
    {
      hangsUp,
      leaderExited: () => group.leaderExited,
      collect: async () => {},
      hasMembers: async () => {
        group.looks += 1;
        return group.members > 0;
      },
      signal: (signal) => {
        const to = group.members + (group.leaderExited ? 0 : 1);
        sent.push({ signal, afterMs: clock.now() - began, to });
      },
    },
    clock,
    graceMs,
  );
  await quiet();
  /** Lets time pass, and every look that falls due in it come to its answer. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= TREE_POLL_MS) {
      await quiet();
      clock.advance(Math.min(left, TREE_POLL_MS));
    }
    await quiet();
  };
  return {
    clock,
    ending,
    group,
    pass,
    /** The numbers of the signals that reached someone. */
    signals: () => sent.filter(({ to }) => to > 0).map(({ signal }) => signal),
    /** The signals that reached someone, but for those that go with SIGTERM. */
    received: () =>
      sent
        .filter(({ signal, to }) => to > 0 && signal !== CONT)
        .map(({ afterMs, signal }) => ({ signal, afterMs })),
    /** The leader is reaped, and leaves some members behind. */
    async exit(left = 0): Promise<void> {
      group.leaderExited = true;
      group.members = left;
      ending.leaderExited();
      await quiet();
    },
  };
}

/** Everything that can happen without the test's doing has happened. */
const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('ending a tree', () => {
  it('begins with SIGTERM', async () => {
    const { ending, received } = await scripted(5000);
    expect(received()).toEqual([{ signal: TERM, afterMs: 0 }]);
    expect(ending.over).toBe(false);
  });

  it('lets what is stopped go on, so that it can act on that', async () => {
    const { pass, signals } = await scripted(5000);
    expect(signals()).toEqual([TERM, CONT]);
    await pass(5000);
    expect(signals()).toEqual([TERM, CONT, KILL]);
  });

  it('hangs up a terminal, so that a shell that ignores SIGTERM ends', async () => {
    const { signals } = await scripted(5000, { hangsUp: true });
    expect(signals()).toEqual([TERM, HUP, CONT]);
  });

  it('goes on with SIGKILL when the grace is over, and not before', async () => {
    const { pass, received } = await scripted(5000);
    await pass(4999);
    expect(received()).toHaveLength(1);
    await pass(1);
    expect(received()).toEqual([
      { signal: TERM, afterMs: 0 },
      { signal: KILL, afterMs: 5000 },
    ]);
  });

  it('with no grace kills at once and sends nothing else', async () => {
    const { pass, received } = await scripted(0);
    expect(received()).toEqual([{ signal: KILL, afterMs: 0 }]);
    await pass(2 * KILL_SETTLE_MS);
    expect(received()).toHaveLength(1);
  });

  it('is over when the leader is reaped and left no member', async () => {
    const { clock, ending, exit, pass, received } = await scripted(5000);
    await exit();
    expect(ending.over).toBe(true);
    expect(clock.pending).toBe(0);
    await pass(10_000);
    expect(received()).toEqual([{ signal: TERM, afterMs: 0 }]);
  });

  it('is over when a killed leader is reaped', async () => {
    const { clock, ending, exit, pass } = await scripted(100);
    await pass(100);
    expect(ending.over).toBe(false);
    await exit();
    expect(ending.over).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('does not look for members while the leader is there', async () => {
    const { group, pass } = await scripted(5000);
    await pass(5000);
    expect(group.looks).toBe(0);
  });

  it('wakes everyone who waits for it', async () => {
    const { ending, exit } = await scripted(5000);
    const waits = [ending.wait(), ending.wait()];
    await exit();
    expect(await Promise.all([...waits, ending.wait()])).toEqual([true, true, true]);
  });
});

describe('members that the leader left behind', () => {
  it('keep it from being over until they are gone', async () => {
    const { clock, ending, exit, group, pass, received } = await scripted(5000);
    await exit(2);
    await pass(3 * TREE_POLL_MS);
    expect(ending.over).toBe(false);
    group.members = 1;
    await pass(TREE_POLL_MS);
    expect(ending.over).toBe(false);
    group.members = 0;
    await pass(TREE_POLL_MS);
    expect(ending.over).toBe(true);
    expect(clock.pending).toBe(0);
    expect(received()).toEqual([{ signal: TERM, afterMs: 0 }]);
  });

  it('are looked at less often the longer that goes on, and often again once killed', async () => {
    const { exit, group, pass } = await scripted(60_000);
    await exit(1);
    const looksIn = async (ms: number): Promise<number> => {
      const before = group.looks;
      await pass(ms);
      return group.looks - before;
    };
    expect(await looksIn(10 * TREE_POLL_MS)).toBeGreaterThan(7);
    await pass(20_000);
    expect(await looksIn(10_000)).toBeLessThanOrEqual(10_000 / MAX_TREE_POLL_MS + 1);
    await pass(60_000 - 30_000 - 10 * TREE_POLL_MS);
    expect(await looksIn(10 * TREE_POLL_MS)).toBeGreaterThan(7);
  });

  it('are killed when the grace is over', async () => {
    const { clock, ending, exit, group, pass, received } = await scripted(1000);
    await pass(400);
    await exit(1);
    await pass(600);
    expect(received().at(-1)).toEqual({ signal: KILL, afterMs: 1000 });
    group.members = 0;
    await pass(TREE_POLL_MS);
    expect(ending.over).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('are ended where the leader exited long before', async () => {
    const { clock, ending, group, pass, received } = await scripted(1000, {
      leaderExited: true,
      members: 1,
    });
    expect(received()).toEqual([{ signal: TERM, afterMs: 0 }]);
    await quiet();
    expect(ending.over).toBe(false);
    group.members = 0;
    await pass(TREE_POLL_MS);
    expect(ending.over).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('are killed at once where there is no grace', async () => {
    const { ending, group, pass, received } = await scripted(0, { leaderExited: true, members: 1 });
    expect(received()[0]).toEqual({ signal: KILL, afterMs: 0 });
    group.members = 0;
    await pass(TREE_POLL_MS);
    expect(ending.over).toBe(true);
  });

  it('are not waited for where there are none', async () => {
    const { clock, ending } = await scripted(1000, { leaderExited: true });
    await quiet();
    expect(ending.over).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('what does not vanish after SIGKILL', () => {
  it('is given up a bounded time later, though the leader is there', async () => {
    const { clock, ending, pass } = await scripted(1000);
    await pass(1000 + KILL_SETTLE_MS - 1);
    expect(ending.over).toBe(false);
    await pass(1);
    expect(ending.over).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('is given up a bounded time later, though members are there', async () => {
    const { clock, ending, exit, pass } = await scripted(0);
    // So that no look falls due together with the end.
    await pass(TREE_POLL_MS / 2);
    await exit(1);
    await pass(KILL_SETTLE_MS - TREE_POLL_MS / 2 - 1);
    expect(ending.over).toBe(false);
    await pass(1);
    expect(ending.over).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('sets no timer if the leader exits after all', async () => {
    const { clock, ending, exit, pass } = await scripted(0);
    await pass(KILL_SETTLE_MS);
    await exit(1);
    expect(ending.over).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('a grace that is shortened', () => {
  it('ends at the earlier time', async () => {
    const { ending, pass, received } = await scripted(5000);
    await pass(1000);
    ending.shorten(500);
    await pass(499);
    expect(received()).toHaveLength(1);
    await pass(1);
    expect(received().at(-1)).toEqual({ signal: KILL, afterMs: 1500 });
  });

  it('to nothing kills at once', async () => {
    const { ending, pass, received } = await scripted(5000);
    await pass(10);
    ending.shorten(0);
    await quiet();
    expect(received().at(-1)).toEqual({ signal: KILL, afterMs: 10 });
  });

  it('kills once', async () => {
    const { ending, pass, received } = await scripted(5000);
    ending.shorten(500);
    await pass(5200);
    ending.shorten(0);
    expect(received().map(({ signal }) => signal)).toEqual([TERM, KILL]);
  });

  it('is not made longer', async () => {
    const { ending, pass, received } = await scripted(1000);
    await pass(500);
    ending.shorten(5000);
    await pass(500);
    expect(received().at(-1)).toEqual({ signal: KILL, afterMs: 1000 });
  });

  it('does not put off the time at which a killed group is given up', async () => {
    const { clock, ending, pass } = await scripted(0);
    await pass(KILL_SETTLE_MS - 1);
    ending.shorten(0);
    await pass(1);
    expect(ending.over).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('does nothing once it is over', async () => {
    const { clock, ending, exit, received } = await scripted(5000);
    await exit();
    ending.shorten(0);
    expect(received()).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});
