import { describe, expect, it } from 'vitest';
import { Signal, SignalScope } from '../../src/gen/runlet/v1/signal_pb.ts';
import { isStdout, outputOf, readUntil } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { startShell, type Target } from '../support/shell.ts';

const none = { seconds: 0n, nanos: 0 };

/** Starts a leader with a child in its group and one in a session of its own. */
async function startFamily(
  harness: Harness,
): Promise<{ target: Target; alive: () => readonly boolean[]; end: () => void }> {
  const script = `
    sh -c 'echo $$ > member; exec sleep 1000' &
    setsid sh -c 'echo $$ > stray; exec sleep 1000' &
    until [ -s member ] && [ -s stray ]; do sleep 0.01; done
    echo $$ $(cat member) $(cat stray); exec sleep 1000`;
  const target = await startShell(harness, script);
  const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
  const pids = outputOf(await readUntil(watch, isStdout))
    .toString()
    .split(' ')
    .map(pidFrom);
  expect(pids.map(isAlive)).toEqual([true, true, true]);
  return {
    target,
    alive: () => pids.map(isAlive),
    end: () => {
      for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    },
  };
}

describe('a signal', () => {
  it.each([
    ['the leader', SignalScope.LEADER, [false, true, true]],
    ['the group', SignalScope.GROUP, [false, false, true]],
    ['the tree', SignalScope.TREE, [false, false, false]],
    ['nobody in particular', SignalScope.UNSPECIFIED, [false, false, true]],
  ])('for %s reaches no more than that', async (_, scope, expected) => {
    const harness = await startHarness();
    const { alive, end, target } = await startFamily(harness);
    await harness.processes.signalProcess({ ...target, signal: Signal.KILL, scope });
    await expect.poll(alive).toEqual(expected);
    end();
  });

  it('for the tree reaches what an exited leader left behind, while there is any', async () => {
    const harness = await startHarness();
    const { alive, end, target } = await startFamily(harness);
    const toTree = { ...target, signal: Signal.KILL, scope: SignalScope.TREE };
    const toLeader = { ...target, signal: Signal.KILL, scope: SignalScope.LEADER };
    // The tree is known from here on, though its root will be gone.
    await harness.processes.signalProcess({ ...toTree, signal: Signal.CONT });
    await harness.processes.signalProcess(toLeader);
    await harness.processes.waitProcess({ ...target, until: 2 });
    await harness.processes.signalProcess(toTree);
    await expect.poll(alive).toEqual([false, false, false]);
    await harness.processes.waitProcess(target);
    await expect
      .poll(async () => (await failureOf(harness.processes.signalProcess(toTree))).summary)
      .toBe('FAILED_PRECONDITION/PROCESS_EXITED');
    end();
  });
});

describe('a termination', () => {
  it.each([
    ['the leader', SignalScope.LEADER, [false, true, true]],
    ['the group', SignalScope.GROUP, [false, false, true]],
    ['the tree', SignalScope.TREE, [false, false, false]],
    ['all, by default,', SignalScope.UNSPECIFIED, [false, false, false]],
  ])('of %s ends no more than that', async (_, scope, expected) => {
    const harness = await startHarness();
    const { alive, end, target } = await startFamily(harness);
    await harness.processes.terminateProcess({ ...target, grace: none, scope });
    expect(alive()).toEqual(expected);
    end();
  });

  it('of the group may be followed by one of the tree', async () => {
    const harness = await startHarness();
    const { alive, end, target } = await startFamily(harness);
    const long = { seconds: 1_000n, nanos: 0 };
    // The stray is found while its way to the leader is there.
    await harness.processes.signalProcess({
      ...target,
      signal: Signal.CONT,
      scope: SignalScope.TREE,
    });
    await harness.processes.terminateProcess({ ...target, grace: long, scope: SignalScope.GROUP });
    expect(alive()).toEqual([false, false, true]);
    await harness.processes.terminateProcess({ ...target, grace: none });
    expect(alive()).toEqual([false, false, false]);
    end();
  });
});
