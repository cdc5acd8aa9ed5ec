import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WaitUntil } from '../../src/gen/runlet/v1/process_pb.ts';
import { SignalScope } from '../../src/gen/runlet/v1/signal_pb.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { collect } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { connectClients, type Harness, startHarness, temporaryFolder } from '../support/harness.ts';
import { isAlive } from '../support/pids.ts';
import { MAIN, serve } from '../support/served.ts';
import { awaitRelease, PATH, release, shellSpec, startShell } from '../support/shell.ts';

/*
 * Daemons, which nothing leads to but what they inherited: only the launcher
 * posix_spawn finds them, so these tests use it, whichever the others are run with.
 */

const GRACE = { seconds: 0n, nanos: 0 };

/** Writes its pid to a file, and stays. */
function member(pids: string): string {
  return `sh -c 'echo $$ >> ${pids}; exec sleep 1000'`;
}

/** A double fork: a session of its own, whose leader ends at once. It writes nothing to our pipes. */
function daemon(pids: string): string {
  return `setsid sh -c "${member(pids).replace('$$', '\\$\\$')} &" > /dev/null 2>&1 &`;
}

/** Three generations that stay, and a daemon of each. Five in all write their pids. */
function family(pids: string): string {
  const child = `${daemon(pids)} ${member(pids)} & wait`;
  return `echo $$ >> ${pids}
    ${daemon(pids)}
    sh <<'CHILD' &
      echo $$ >> ${pids}
      ${child}
CHILD
    wait`;
}

/** The pids that were written, once there are so many. */
async function membersIn(path: string, count: number): Promise<readonly number[]> {
  const read = (): readonly number[] => {
    try {
      return readFileSync(path, 'utf8').split('\n').map(Number).filter(Boolean);
    } catch {
      return [];
    }
  };
  await expect.poll(() => read().length).toBe(count);
  const pids = read();
  onTestFinished(() => {
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
  });
  expect(pids.filter(isAlive)).toEqual(pids);
  return pids;
}

function start(clock?: FakeClock): Promise<Harness> {
  const launcher = createLauncher('posix_spawn');
  const heartbeatMs = 1_000_000_000;
  return startHarness({ launcher, ...(clock && { clock, limits: { heartbeatMs } }) });
}

/** Resolves when none is alive; lets the time of a clock that stands still go on. */
async function untilGone(pids: readonly number[], clock?: FakeClock): Promise<void> {
  const look = (): readonly number[] => {
    clock?.advance(20);
    return pids.filter(isAlive);
  };
  await expect.poll(look).toEqual([]);
}

describe('three generations with daemons', () => {
  it('are ended by a termination', async () => {
    const harness = await start();
    const target = await startShell(harness, family('pids'));
    const pids = await membersIn(join(harness.folder, 'pids'), 5);
    await harness.processes.terminateProcess({ ...target, grace: GRACE });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('are ended by a timeout', async () => {
    const clock = new FakeClock();
    const harness = await start(clock);
    await startShell(harness, family('pids'), { timeout: { seconds: 60n, nanos: 0 } });
    const pids = await membersIn(join(harness.folder, 'pids'), 5);
    clock.advance(60_000);
    await untilGone(pids, clock);
  });

  it('are ended when their session expires', async () => {
    const clock = new FakeClock();
    const harness = await start(clock);
    await startShell(harness, family('pids'));
    const pids = await membersIn(join(harness.folder, 'pids'), 5);
    clock.advance(DEFAULT_LIMITS.defaultDetachedTtlMs);
    await untilGone(pids, clock);
  });

  it('are ended when their session is closed', async () => {
    const harness = await start();
    await startShell(harness, family('pids'));
    const pids = await membersIn(join(harness.folder, 'pids'), 5);
    await harness.sessions.closeSession({ sessionId: harness.sessionId });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('are ended with a run that is cancelled', async () => {
    const harness = await start();
    const abort = new AbortController();
    const run = harness.processes.run(
      { spec: shellSpec(family('pids')) },
      { signal: abort.signal },
    );
    const failed = failureOf(collect(run));
    const pids = await membersIn(join(harness.folder, 'pids'), 5);
    abort.abort();
    await failed;
    await untilGone(pids);
  });

  it('are ended by a server that is asked to end', async () => {
    const folder = await temporaryFolder();
    const served = await serve('--launcher', 'posix_spawn');
    const { processes, sessions } = connectClients(served.address);
    const { session } = await sessions.createSession({});
    const sessionId = session?.sessionId ?? '';
    await processes.startProcess({ sessionId, spec: shellSpec(family('pids'), { cwd: folder }) });
    const pids = await membersIn(join(folder, 'pids'), 5);
    const exited = once(served.child, 'exit');
    served.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('are not touched by the end of a group that they are not of', async () => {
    const harness = await start();
    const target = await startShell(harness, family('pids'));
    const pids = await membersIn(join(harness.folder, 'pids'), 5);
    const groupOf = (pid: number): number => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
    };
    const leader = pids.find((pid) => groupOf(pid) === pid) ?? 0;
    const others = pids.filter((pid) => groupOf(pid) !== leader);
    expect(others.length).toBe(2);
    const scope = SignalScope.GROUP;
    await harness.processes.terminateProcess({ ...target, grace: GRACE, scope });
    expect(pids.filter(isAlive)).toEqual(others);
    await harness.processes.terminateProcess({ ...target, grace: GRACE });
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

describe('a daemon', () => {
  it('is found though its parent ended as soon as it was started', async () => {
    const harness = await start();
    const started = Array.from({ length: 20 }, async (_, i) => {
      const argv = ['/usr/bin/setsid', '-f', 'sh', '-c', `echo $$ > pid${i}; exec sleep 1000`];
      await harness.processes.startProcess({
        sessionId: harness.sessionId,
        spec: { argv, env: { PATH } },
      });
      return (await membersIn(join(harness.folder, `pid${i}`), 1))[0] ?? 0;
    });
    const pids = await Promise.all(started);
    await harness.sessions.closeSession({ sessionId: harness.sessionId });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('ends with its session, though the process that it came of was evicted', async () => {
    const harness = await start();
    const target = await startShell(harness, `${daemon('pids')} exit 0`, {
      retention: { seconds: 0n, nanos: 0 },
    });
    const pids = await membersIn(join(harness.folder, 'pids'), 1);
    const evicted = async (): Promise<string> =>
      (await failureOf(harness.processes.getProcess(target))).summary;
    await expect.poll(evicted).toBe('NOT_FOUND/PROCESS_EVICTED');
    expect(pids.filter(isAlive)).toEqual(pids);
    await harness.sessions.closeSession({ sessionId: harness.sessionId });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('ends with the run that it came of, though that is over', async () => {
    const harness = await start();
    const script = `${daemon('pids')} ${awaitRelease('go')}`;
    const run = collect(harness.processes.run({ spec: shellSpec(script) }));
    const pids = await membersIn(join(harness.folder, 'pids'), 1);
    await release(harness, 'go');
    await run;
    await untilGone(pids);
  });

  it('of one process is not touched by the end of another', async () => {
    const harness = await start();
    const one = await startShell(harness, `${daemon('one')} exit 0`);
    await startShell(harness, `${daemon('other')} exit 0`);
    const ones = await membersIn(join(harness.folder, 'one'), 1);
    const others = await membersIn(join(harness.folder, 'other'), 1);
    await harness.processes.terminateProcess({ ...one, grace: GRACE });
    expect(ones.filter(isAlive)).toEqual([]);
    expect(others.filter(isAlive)).toEqual(others);
  });

  it('of a server in a process is found by the server that runs this, when that one is gone', async () => {
    const harness = await start();
    await writeFile(join(harness.folder, 'script'), `${daemon('pids')}\nexec sleep 1000\n`);
    // Killed, it leaves its socket behind: here it goes with the test's folder.
    const inner = `TMPDIR="$PWD" ${process.execPath} ${MAIN} run -- sh script`;
    const target = await startShell(harness, `${inner} & echo $! > inner; wait`);
    const pids = await membersIn(join(harness.folder, 'pids'), 1);
    const [server = 0] = await membersIn(join(harness.folder, 'inner'), 1);
    process.kill(server, 'SIGKILL');
    await harness.processes.waitProcess({ ...target, until: WaitUntil.EXITED });
    expect(pids.filter(isAlive)).toEqual(pids);
    await harness.sessions.closeSession({ sessionId: harness.sessionId });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('leaves no zombie when it ends by itself', async () => {
    const served = await serve('--launcher', 'posix_spawn');
    const { processes } = connectClients(served.address);
    // The daemon's parent is the server by the time at which it ends.
    const script = 'setsid -f sh -c "sleep 0.2; echo done"';
    const events = await collect(processes.run({ spec: shellSpec(script) }));
    expect(events.length).toBeGreaterThan(0);
    await expect.poll(async () => (await served.holdings()).zombies).toBe(0);
  });
});

describe('what makes sessions and ends faster than it can be looked for', () => {
  const { tree } = createLauncher('posix_spawn');
  // Where there is no such cgroup, docs/launchers.md says that it escapes.
  it.skipIf(tree !== 'cgroup')('is killed (needs cgroup v2 and glibc 2.39)', async () => {
    const harness = await start();
    const chain = '[ -e stop ] && exit; echo $$ > now; exec setsid -f sh ./chain';
    await writeFile(join(harness.folder, 'chain'), chain);
    onTestFinished(() => writeFile(join(harness.folder, 'stop'), '').catch(() => {}));
    const target = await startShell(harness, 'exec setsid -f sh ./chain');
    const now = (): string => readFileSync(join(harness.folder, 'now'), 'utf8');
    await expect.poll(() => existsSync(join(harness.folder, 'now'))).toBe(true);
    const first = now();
    await expect.poll(() => now() !== first).toBe(true);
    await harness.processes.terminateProcess({ ...target, grace: GRACE });
    const last = now();
    await harness.processes.waitProcess(target);
    expect(now()).toBe(last);
  });
});
