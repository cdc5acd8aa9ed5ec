import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { CHECKS } from '../../../src/conformance/catalog.ts';
import { runChecks } from '../../../src/conformance/run-checks.ts';
import { startUpstream, type Upstream } from '../upstream.ts';
import { type Mutant, startMutant } from './mutant.ts';

/** How many checks are under way at a time, most of which wait for the server. */
const JOBS = 16;

/** No check of a mutant hangs by design; this is for a machine that does much else. */
const TIMEOUT_MS = 100_000;

/**
 * Whether all checks are run against each mutant, which shows that no other fails, or those
 * alone that it names. See CONTRIBUTING.md.
 */
const ALL = process.env['TEST_MUTANTS'] === 'all';

/** Checks that take long, or so much that all others together take less: run where they are named. */
const DEAR: ReadonlySet<string> = new Set(['TUNNEL-51', 'TUNNEL-52']);

/** Runs checks against each of these: exactly those that it names have to fail. */
export function describeMutants(mutants: readonly Mutant[]): void {
  let upstream: Upstream;
  let ofChildProcess: Upstream;
  let confined: Upstream;

  beforeAll(async () => {
    [upstream, ofChildProcess, confined] = await Promise.all([
      startUpstream(),
      startUpstream('--launcher', 'child_process'),
      startUpstream('--file-root', tmpdir()),
    ]);
  });

  afterAll(async () => {
    await Promise.all([upstream.stop(), ofChildProcess.stop(), confined.stop()]);
  });

  describe('a server', () => {
    for (const mutant of mutants) {
      it.concurrent(`of which this is true: ${mutant.fault}`, async ({ expect }) => {
        const open = mutant.launcher === undefined ? upstream : ofChildProcess;
        const { address } = mutant.roots === true ? confined : open;
        const { connect, stop } = await startMutant(mutant, address);
        const failed: Record<string, string | undefined> = {};
        try {
          const checks =
            ALL || mutant.fails.length === 0
              ? CHECKS.filter(({ id }) => !DEAR.has(id) || mutant.fails.includes(id))
              : CHECKS.filter(({ id }) => mutant.fails.includes(id));
          const options = { connect, checks, jobs: JOBS, timeoutMs: TIMEOUT_MS };
          for await (const { check, outcome, reason } of runChecks(options)) {
            if (outcome === 'failed' && !mutant.perhaps?.includes(check.id)) {
              failed[check.id] = reason;
            }
          }
        } finally {
          await stop();
        }
        // With the reasons, so that a check that failed unexpectedly says why.
        const ids = [...mutant.fails, ...(ALL ? (mutant.also ?? []) : [])];
        const expected = Object.fromEntries(ids.map((id) => [id, expect.any(String)]));
        expect(failed).toEqual(expected);
      });
    }
  });
}
