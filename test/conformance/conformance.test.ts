import { describe, expect, it } from 'vitest';
import { openConnection } from '../../src/client/connection.ts';
import type { Clock } from '../../src/clock.ts';
import { CHECKS } from '../../src/conformance/catalog.ts';
import type { Check } from '../../src/conformance/check.ts';
import { type CheckResult, runChecks } from '../../src/conformance/run-checks.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type Harness, startHarness } from '../support/harness.ts';

const TIMEOUT_MS = 100_000;

/** The results of checks of a server. */
async function run(
  { address }: Harness,
  checks: readonly Check[],
  jobs: number,
  clock?: Clock,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  const connect = () => openConnection(address);
  const time = { timeoutMs: TIMEOUT_MS, ...(clock && { clock }) };
  for await (const result of runChecks({ connect, checks, jobs, ...time })) results.push(result);
  return results;
}

/** Those that failed, and why. */
function failures(results: readonly CheckResult[]): readonly string[] {
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  return failed.map(({ check, reason }) => `${check.id}: ${reason}`);
}

describe('this server', () => {
  it('passes every check, several at a time', async () => {
    const harness = await startHarness({ limits: { heartbeatMs: 300 } });
    const results = await run(harness, CHECKS, 8);
    expect(failures(results)).toEqual([]);
    expect(results.map(({ check }) => check)).toEqual(CHECKS);
    // What a server lacks is the only reason to skip, and with its best launcher this one lacks nothing.
    const skipped = results.filter(({ outcome }) => outcome === 'skipped');
    for (const { check, reason } of skipped) {
      expect(check.needs, check.id).toBeDefined();
      expect(reason).toMatch(/^needs /);
    }
  });
});

describe('a check', () => {
  const check = (run: Check['run']): Check => ({
    id: 'TEST-01',
    title: 'A check of this test',
    clause: 'Limits',
    run,
  });

  it('that hangs has failed when its time is over, and its calls are cancelled', async () => {
    const clock = new FakeClock();
    let cancelled: unknown;
    const hangs = check(async (context) => {
      const target = await context.startShell('exec sleep 1000');
      const waiting = context.processes.waitProcess(target).catch((error: unknown) => error);
      clock.advance(TIMEOUT_MS);
      cancelled = await waiting;
    });
    const [result] = await run(await startHarness(), [hangs], 1, clock);
    expect(result?.outcome).toBe('failed');
    expect(result?.reason).toMatch(/^it was not done within/);
    expect(String(cancelled)).toContain('CANCELLED');
  });

  it('leaves no session behind, whether it passes or fails', async () => {
    const harness = await startHarness();
    const checks = [
      check(async (context) => {
        await context.startShell('exec sleep 1000');
        await context.createSession();
      }),
      check(async (context) => {
        await context.startShell('exec sleep 1000');
        throw new Error('it fails');
      }),
    ];
    const results = await run(harness, checks, 2);
    expect(results.map(({ outcome }) => outcome)).toEqual(['passed', 'failed']);
    const { sessions } = await harness.sessions.listSessions({});
    expect(sessions.map(({ sessionId }) => sessionId)).toEqual([harness.sessionId]);
  });
});
