import { describe, expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import { CLOSE_WAIT_MS, DEFAULT_LIMITS, type Limits } from '../../src/limits.ts';
import type { Launcher } from '../../src/process/launcher.ts';
import type { Process } from '../../src/process/process.ts';
import { ProcessHost } from '../../src/process/process-host.ts';
import type { ProcessSpec } from '../../src/process/process-spec.ts';
import { ProcessTable } from '../../src/process/process-table.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { HeldLauncher } from '../support/held-launcher.ts';
import { memoryStore } from '../support/output.ts';
import { ScriptedLauncher } from '../support/scripted-launcher.ts';
import { settle } from '../support/settle.ts';

const ORDER = { id: 'p', owner: 's', principal: 'one', assertWanted: () => {} };

/** A host, and how to start a process on it that differs from others as a test says. */
function createHost<T extends Launcher>(launcher: T, limits: Partial<Limits> = {}) {
  const clock = new FakeClock();
  const host = new ProcessHost({
    launcher,
    clock,
    limits: { ...DEFAULT_LIMITS, ...limits },
    environment: new Map(),
    store: memoryStore(clock),
  });
  const { spec } = new ScriptedLauncher().request();
  const start = (more: Partial<ProcessSpec> = {}): Promise<Process> =>
    host.start({ ...ORDER, spec: { ...spec, ...more } });
  return { clock, host, launcher, start };
}

/** The reason for which a start failed, or `started`. */
async function outcomeOf(started: Promise<unknown>): Promise<string> {
  return started.then(
    () => 'started',
    (error: unknown) => (error instanceof RunletError ? error.reason : String(error)),
  );
}

describe('the command lines and labels of all processes', () => {
  it('may take so much, which is given back with the processes and by starts that fail', async () => {
    const launcher = new ScriptedLauncher();
    const { host, start } = createHost(launcher, { maxDescriptionBytes: 10_000 });
    const argv = ['/bin/true', 'a'.repeat(2_000)];
    const labels = new Map([['key', 'v'.repeat(2_000)]]);
    const first = await start({ argv });
    const second = await start({ labels });
    expect(await outcomeOf(start({ argv }))).toBe('LIMIT_EXCEEDED');
    expect(await outcomeOf(start())).toBe('started');
    host.release(first);
    for (let i = 0; i < 3; i++) {
      expect(await outcomeOf(start({ argv }))).toBe(i === 0 ? 'started' : 'LIMIT_EXCEEDED');
    }
    host.release(second);
    for (let i = 0; i < 3; i++) {
      const failing = start({ argv: ['no-such-program', 'a'.repeat(2_000)] });
      expect(await outcomeOf(failing)).toBe('START_FAILED');
    }
    expect(await outcomeOf(start({ argv }))).toBe('started');
    launcher.exitAll();
  });
});

describe('what waits for a process to read its stdin', () => {
  it('is bounded, however little is in each write', async () => {
    const launcher = new ScriptedLauncher();
    const maxQueuedStdinBytes = 100_000;
    const { start } = createHost(launcher, { maxQueuedStdinBytes });
    const process = await start({ stdin: 'pipe' });
    const { signal } = new AbortController();
    const write = (bytes: number): Promise<string> => {
      const data = Buffer.alloc(bytes);
      return outcomeOf(process.writeStdin({ offset: undefined, data, eof: false }, signal));
    };
    // More than a pipe takes that nobody reads.
    void write(maxQueuedStdinBytes);
    const empty = Array.from({ length: 10 }, () => write(0));
    expect(await Promise.all(empty)).toEqual(Array(10).fill('LIMIT_EXCEEDED'));
    launcher.exitAll();
  });
});

describe('a start that does not come to an end', () => {
  it('holds up the end of the host for a bounded time', async () => {
    const { clock, host, launcher, start } = createHost(new HeldLauncher());
    const started = outcomeOf(start());
    await launcher.asked.wait();
    let drained = false;
    const drain = host.drain(0, 1_000).then(() => {
      drained = true;
    });
    await settle();
    expect(drained).toBe(false);
    clock.advance(1_000);
    await drain;
    expect(await started).toBe('DRAINING');
  });

  it('holds up the end of a session for a bounded time', async () => {
    const { clock, host, launcher } = createHost(new HeldLauncher());
    const newId = (): string => 'p';
    const table = new ProcessTable({
      owner: 's',
      principal: 'one',
      maxWatchers: 10,
      host,
      clock,
      newId,
      onEvent: () => {},
    });
    void table.start(new ScriptedLauncher().request()).catch(() => {});
    await launcher.asked.wait();
    const closed = table.close('session-closed');
    await settle();
    clock.advance(CLOSE_WAIT_MS);
    await closed;
  });
});
