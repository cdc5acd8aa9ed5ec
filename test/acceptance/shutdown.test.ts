import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createLauncher } from '../../src/process/launchers.ts';
import { isStdout, outputOf, readUntil, summarize } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { type Clients, connectClients, startHarness } from '../support/harness.ts';
import { HeldLauncher } from '../support/held-launcher.ts';
import { isAlive, pidFrom } from '../support/pids.ts';
import { serve } from '../support/served.ts';
import { awaitRelease, release, shellSpec, startShell } from '../support/shell.ts';

async function getUntilGone({ getSession }: Clients['sessions'], sessionId: string): Promise<void> {
  for (;;) await getSession({ sessionId });
}

describe('a server that shuts down', () => {
  it('ends its processes, lets streams come to their ends, and refuses what is new', async () => {
    const harness = await startHarness({ shutdownGraceMs: 3_000_000 });
    const { processes, runlet, sessionId, sessions } = harness;
    const script = `trap "echo bye; ${awaitRelease('go')}; exit 0" TERM
      echo ready; while :; do sleep 0.01; done`;
    const target = await startShell(harness, script);
    const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
    await readUntil(watch, isStdout);
    const poll = processes.waitProcess(target);
    const stopped = runlet.shutdown();
    const bye = await readUntil(watch, isStdout);
    expect(outputOf(bye).toString()).toBe('bye\n');
    for (const call of [sessions.createSession({}), startShell(harness, 'true')]) {
      const failure = await failureOf(call);
      expect(failure.summary).toBe('UNAVAILABLE/DRAINING');
      expect(failure.retry?.retryDelay).toBeDefined();
    }
    // What is there can still be asked for.
    await sessions.getSession({ sessionId });
    await release(harness, 'go');
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    expect(summarize(rest)).toEqual(['exited code 0 reason 8', 'closed true']);
    expect((await poll).process?.reason).toBe(8);
    await stopped;
  });

  it('does not wait for ever for output that others hold open', async () => {
    // Its pipes can be opened by their paths.
    const harness = await startHarness({ launcher: createLauncher('posix_spawn') });
    const target = await startShell(harness, 'echo $$; exec sleep 1000');
    const watch = harness.processes.watchProcess(target)[Symbol.asyncIterator]();
    const first = await readUntil(watch, isStdout);
    const held = openSync(`/proc/${pidFrom(outputOf(first).toString())}/fd/1`, 'w');
    const stopped = harness.runlet.shutdown();
    const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
    expect(summarize(rest).at(-1)).toBe('closed false');
    await stopped;
    closeSync(held);
  });

  it('ends a process that was just being started, and does not leave it behind', async () => {
    const launcher = new HeldLauncher();
    const harness = await startHarness({ launcher });
    const start = failureOf(startShell(harness, 'sleep 1000'));
    await launcher.asked.wait();
    const stopped = harness.runlet.shutdown();
    launcher.gate.open();
    expect((await start).summary).toBe('UNAVAILABLE/DRAINING');
    await stopped;
    expect(launcher.pid).toBeGreaterThan(0);
    expect(isAlive(launcher.pid)).toBe(false);
  });

  it('ends a process that was being started when its session was closed', async () => {
    const launcher = new HeldLauncher();
    const harness = await startHarness({ launcher });
    const start = failureOf(startShell(harness, 'echo $$ > pid; sleep 1000'));
    await launcher.asked.wait();
    const { sessionId, sessions } = harness;
    const closed = sessions.closeSession({ sessionId });
    // The session is gone; its start is still under way.
    expect((await failureOf(getUntilGone(sessions, sessionId))).summary).toBe(
      'NOT_FOUND/SESSION_NOT_FOUND',
    );
    launcher.gate.open();
    expect((await start).summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
    await closed;
  });
});

describe('runlet serve', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
    'on %s ends its processes and exits with 0',
    async (signal) => {
      const served = await serve();
      const { processes } = connectClients(served.address);
      const watch = processes
        .run({ spec: shellSpec('echo $$; exec sleep 1000') })
        [Symbol.asyncIterator]();
      const pid = pidFrom(outputOf(await readUntil(watch, isStdout)).toString());
      const exited = once(served.child, 'exit');
      served.child.kill(signal);
      const rest = await readUntil(watch, ({ event }) => event.case === 'closed');
      expect(summarize(rest)).toEqual(['exited signal 15 reason 8', 'closed true']);
      expect(await exited).toEqual([0, null]);
      expect(isAlive(pid)).toBe(false);
      expect(served.address.kind === 'unix' && existsSync(served.address.path)).toBe(false);
    },
  );

  it('on a second signal kills what still runs, and exits', async () => {
    const served = await serve('--grace', '1000');
    const { processes } = connectClients(served.address);
    const script = 'trap "echo term" TERM; echo $$; while :; do sleep 0.01; done';
    const watch = processes.run({ spec: shellSpec(script) })[Symbol.asyncIterator]();
    const pid = pidFrom(outputOf(await readUntil(watch, isStdout)).toString());
    const exited = once(served.child, 'exit');
    served.child.kill('SIGTERM');
    await readUntil(watch, isStdout);
    served.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(isAlive(pid)).toBe(false);
  });
});
