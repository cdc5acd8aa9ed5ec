import { describe, expect, it } from 'vitest';
import { OutputPatience, OutputStuckError } from '../../src/cli/output-patience.ts';
import type { ProcessEvent } from '../../src/client/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

const EVENT = {} as ProcessEvent;

/** Output that is taken when the test takes it. */
function heldOutput() {
  const clock = new FakeClock();
  const patience = new OutputPatience(clock);
  let take = (): void => {};
  const sink = patience.watch(
    () =>
      new Promise((resolve) => {
        take = resolve;
      }),
  );
  let exit = (): void => {};
  const exited = new Promise<void>((resolve) => {
    exit = resolve;
  });
  return {
    clock,
    exited,
    patience,
    take: () => take(),
    async exit(): Promise<void> {
      exit();
      await settled();
    },
    /** Writes; tells what came of it so far. */
    write() {
      const outcome: { value: unknown } = { value: 'waits' };
      sink(EVENT).then(
        () => {
          outcome.value = 'written';
        },
        (error: unknown) => {
          outcome.value = error instanceof OutputStuckError ? error.signal : error;
        },
      );
      return outcome;
    },
  };
}

/** Everything that can happen without the test's doing has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('output that nobody takes', () => {
  it('is waited for as long as nobody asks us to end', async () => {
    const { clock, exit, write } = heldOutput();
    const outcome = write();
    await exit();
    clock.advance(1_000_000);
    await settled();
    expect(outcome.value).toBe('waits');
  });

  it('is given up soon after the process has ended, once we were asked to end', async () => {
    const { clock, exit, exited, patience, write } = heldOutput();
    const outcome = write();
    patience.asked('SIGTERM', exited);
    clock.advance(1_000_000);
    await settled();
    expect(outcome.value).toBe('waits');
    await exit();
    clock.advance(1000);
    await settled();
    expect(outcome.value).toBe('SIGTERM');
  });

  it('is given up at once if we are asked again', async () => {
    const { exited, patience, write } = heldOutput();
    const outcome = write();
    patience.asked('SIGINT', exited);
    patience.asked('SIGTERM', exited);
    await settled();
    expect(outcome.value).toBe('SIGTERM');
  });

  it('is waited for where the process was interrupted by a key, however often, and goes on', async () => {
    const { clock, exit, exited, patience, write } = heldOutput();
    const outcome = write();
    patience.interrupted(exited);
    patience.interrupted(exited);
    clock.advance(1_000_000);
    await settled();
    expect(outcome.value).toBe('waits');
    await exit();
    clock.advance(1000);
    await settled();
    expect(outcome.value).toBe('SIGINT');
  });
});

describe('output that comes after we were asked to end', () => {
  it('is given up as well if nobody takes it', async () => {
    const { clock, exit, exited, patience, write } = heldOutput();
    patience.asked('SIGTERM', exited);
    await exit();
    const outcome = write();
    clock.advance(1000);
    await settled();
    expect(outcome.value).toBe('SIGTERM');
  });

  it('is waited for where the process went on', async () => {
    const { clock, exit, exited, patience, take, write } = heldOutput();
    patience.asked('SIGINT', exited);
    write();
    take();
    await settled();
    clock.advance(10_000);
    await exit();
    const outcome = write();
    clock.advance(1_000_000);
    await settled();
    expect(outcome.value).toBe('waits');
  });
});

describe('output that comes between our being asked and the end of the process', () => {
  it('does not keep what follows from being given up', async () => {
    const { clock, exit, exited, patience, take, write } = heldOutput();
    patience.asked('SIGTERM', exited);
    write();
    take();
    await settled();
    const outcome = write();
    await exit();
    clock.advance(1000);
    await settled();
    expect(outcome.value).toBe('SIGTERM');
  });
});

describe('output that is taken slowly', () => {
  it('is not given up, though we are asked again and again while the process goes on', async () => {
    const { exited, patience, take, write } = heldOutput();
    for (let i = 0; i < 10; i++) {
      const outcome = write();
      patience.asked('SIGINT', exited);
      take();
      await settled();
      expect(outcome.value).toBe('written');
    }
  });

  it('is written to its end after the process has ended', async () => {
    const { clock, exit, exited, patience, take, write } = heldOutput();
    const first = write();
    patience.asked('SIGINT', exited);
    await exit();
    take();
    await settled();
    const second = write();
    clock.advance(900);
    take();
    await settled();
    expect([first.value, second.value]).toEqual(['written', 'written']);
  });
});
