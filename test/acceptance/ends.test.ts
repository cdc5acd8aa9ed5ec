import { describe, expect, it, onTestFinished } from 'vitest';
import { EndReason, type ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { ANYBODY } from '../../src/identity/principal.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { ProcessHost } from '../../src/process/process-host.ts';
import { SessionRegistry } from '../../src/session/session-registry.ts';
import { decodeBatch } from '../support/decode.ts';
import { collect, isStdout, readUntil } from '../support/events.ts';
import { FakeClock, passTime } from '../support/fake-clock.ts';
import { type Harness, LAUNCHER, startHarness } from '../support/harness.ts';
import { memoryStore } from '../support/output.ts';
import { ScriptedLauncher } from '../support/scripted-launcher.ts';
import { awaitRelease, startShell, type Target } from '../support/shell.ts';

const TIMEOUT_MS = 60_000;
const timeout = { seconds: BigInt(TIMEOUT_MS / 1000), nanos: 0 };

/** How a process ended, as its `exited` says: `code 3 EXITED`, `signal 9 SIGNALED`. */
function endIn(events: readonly ProcessEvent[]): string {
  for (const { event } of events) {
    if (event.case !== 'exited') continue;
    const { reason, status } = event.value;
    return `${status?.status.case} ${status?.status.value} ${EndReason[reason]}`;
  }
  throw new Error('it did not exit');
}

/** Starts a process that does nothing for long; does something to it; returns how it ended. */
async function endOfIdle(
  harness: Harness,
  act: (target: Target) => Promise<unknown>,
): Promise<string> {
  const target = await startShell(harness, 'echo ready; exec sleep 1000', { timeout });
  const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
  await readUntil(watch, isStdout);
  await act(target);
  return endIn(await readUntil(watch, ({ event }) => event.case === 'exited'));
}

/** Sends a signal as one who knows nothing of the server does. */
async function killFromOutside(
  { processes }: Harness,
  target: Target,
  signal: NodeJS.Signals,
): Promise<void> {
  const { process: running } = await processes.getProcess(target);
  if (running === undefined) throw new Error('it has no pid');
  process.kill(Number(running.pid), signal);
}

/**
 * How a process ends with its session. No client hears of it: a call that names the
 * session would have kept it alive.
 */
async function endWithSession(launcher = createLauncher(LAUNCHER)): Promise<string> {
  const clock = new FakeClock();
  const limits = DEFAULT_LIMITS;
  const store = memoryStore(clock);
  const host = new ProcessHost({ launcher, clock, limits, environment: new Map(), store });
  const sessions = new SessionRegistry({ host, clock, limits, newId: () => crypto.randomUUID() });
  const session = sessions.create({
    id: undefined,
    labels: new Map(),
    detachedTtlMs: 1_000,
    owner: ANYBODY.name,
  });
  const request = new ScriptedLauncher().request();
  const process = await session.processes.start({
    ...request,
    spec: { ...request.spec, argv: ['/bin/sleep', '1000'] },
  });
  onTestFinished(() => process.terminate('terminated', 0));
  const cursor = process.openCursor(0);
  clock.advance(1_000);
  await process.exited.wait();
  const events = decodeBatch(await cursor.read(1_000_000));
  cursor.close();
  return endIn(events);
}

describe('the end of a process', () => {
  it('tells each way to end from every other, by its status and its reason', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits: { heartbeatMs: 10 * TIMEOUT_MS } });
    const { processes } = harness;
    const exit = async (code: number): Promise<string> => {
      const target = await startShell(harness, `exit ${code}`, { timeout });
      return endIn(await collect(processes.watchProcess(target)));
    };
    const ends: readonly (readonly [string, () => Promise<string>, string])[] = [
      ...[0, 1, 124, 126, 127, 137, 255].map(
        (code) => [`exit ${code}`, () => exit(code), `code ${code} EXITED`] as const,
      ),
      ...(['SIGKILL', 'SIGSEGV', 'SIGTERM'] as const).map(
        (name) =>
          [
            `${name} from outside`,
            () => endOfIdle(harness, (target) => killFromOutside(harness, target, name)),
            `signal ${Signal[name.slice(3) as keyof typeof Signal]} SIGNALED`,
          ] as const,
      ),
      [
        'timeout',
        () => endOfIdle(harness, async () => clock.advance(TIMEOUT_MS)),
        'signal 15 TIMED_OUT',
      ],
      [
        'terminate',
        () => endOfIdle(harness, (target) => passTime(clock, processes.terminateProcess(target))),
        'signal 15 TERMINATED',
      ],
      ['session expiry', () => endWithSession(), 'signal 15 SESSION_EXPIRED'],
    ];
    const seen: [string, string][] = [];
    for (const [way, end] of ends) seen.push([way, await end()]);
    expect(seen).toEqual(ends.map(([way, , expected]) => [way, expected]));
    expect(new Set(seen.map(([, end]) => end)).size).toBe(ends.length);
  });

  it('is that of the program where a timeout or a termination lets it end by itself', async () => {
    const clock = new FakeClock();
    const harness = await startHarness({ clock, limits: { heartbeatMs: 10 * TIMEOUT_MS } });
    // The codes by which timeout(1) and a shell would tell of it.
    const script = (code: number): string =>
      `trap 'exit ${code}' TERM; echo ready; ${awaitRelease('never')}`;
    const endOf = async (code: number, act: (target: Target) => void): Promise<string> => {
      const target = await startShell(harness, script(code), { timeout });
      const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
      await readUntil(watch, isStdout);
      act(target);
      return endIn(await readUntil(watch, ({ event }) => event.case === 'exited'));
    };
    expect(await endOf(124, () => clock.advance(TIMEOUT_MS))).toBe('code 124 TIMED_OUT');
    let terminated: Promise<unknown> = Promise.resolve();
    const terminate = (target: Target): void => {
      terminated = harness.processes.terminateProcess(target);
    };
    expect(await endOf(143, terminate)).toBe('code 143 TERMINATED');
    await passTime(clock, terminated);
  });
});
