import { describe, expect, it, onTestFinished } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { CHECKS } from '../../src/conformance/catalog.ts';
import { REQUIREMENTS } from '../../src/conformance/check.ts';
import { runCli } from '../support/cli.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { MUTANTS } from './mutants/catalog.ts';
import { startMutant } from './mutants/mutant.ts';

/** Enough for a machine that does much else. */
const TIMEOUT = ['--timeout', '100'];

interface TapLine {
  readonly ok: boolean;
  readonly number: number;
  readonly id: string;
  readonly skipped: string | undefined;
}

/** Reads TAP version 14 as far as this program writes it; throws at anything else. */
function parseTap(text: string): { readonly count: number; readonly lines: readonly TapLine[] } {
  const [version, plan = '', ...rest] = text.trimEnd().split('\n');
  expect(version).toBe('TAP version 14');
  const count = Number(/^1\.\.(\d+)$/.exec(plan)?.[1]);
  const lines: TapLine[] = [];
  let inYaml = false;
  for (const line of rest) {
    const test = /^(not )?ok (\d+) - ([A-Z]+-\d\d) [^#]+?(?: # SKIP (.*))?$/.exec(line);
    if (line === '  ---') inYaml = true;
    else if (line === '  ...') inYaml = false;
    else if (inYaml) expect(line).toMatch(/^ {2}\w+: ("[^\n]*"|\d+)$/);
    else if (test !== null) {
      const [, not, number, id = '', skipped] = test;
      lines.push({ ok: not === undefined, number: Number(number), id, skipped });
    } else expect(line).toMatch(/^# \d+ passed, \d+ failed, \d+ skipped$/);
  }
  expect(inYaml).toBe(false);
  return { count, lines };
}

describe('runlet conformance', () => {
  it('tells every check as TAP, and exits with 0 when all passed', async () => {
    const { address } = await serve('--heartbeat', '0.5');
    const flags = ['--address', formatAddress(address), ...TIMEOUT];
    const { code, stderr, stdout } = await runCli(['conformance', ...flags]);
    const { count, lines } = parseTap(stdout.toString());
    expect(lines.filter(({ ok }) => !ok)).toEqual([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(count).toBe(CHECKS.length);
    expect(lines.map(({ id }) => id)).toEqual(CHECKS.map(({ id }) => id));
    expect(lines.map(({ number }) => number)).toEqual(CHECKS.map((_, i) => i + 1));
  });

  it('tells every check as JSON, one at a time, with a summary', async () => {
    const { address } = await serveHere();
    const env = { ...process.env, RUNLET_ADDRESS: formatAddress(address) };
    const args = ['conformance', '--json', '--jobs', '1', '--grep', '^(info|start|beat)-'];
    const { code, stdout } = await runCli([...args, ...TIMEOUT], '', { env });
    const objects = stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const last = objects.pop();
    const chosen = CHECKS.filter(({ id }) => /^(INFO|START|BEAT)-/.test(id));
    expect(objects.map(({ id }) => id)).toEqual(chosen.map(({ id }) => id));
    expect(objects.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    // With heartbeats every 15 seconds there is no time to wait for one.
    const beats = objects.filter(({ id }) => id.startsWith('BEAT'));
    for (const { outcome, reason } of beats) {
      expect({ outcome, reason }).toEqual({
        outcome: 'skipped',
        reason: `needs ${REQUIREMENTS.heartbeats}`,
      });
    }
    const ok = objects.filter(({ outcome }) => outcome === 'passed');
    expect(ok.map(({ reason }) => reason)).toEqual(ok.map(() => null));
    const skipped = objects.filter(({ outcome }) => outcome === 'skipped').length;
    const passed = objects.length - skipped;
    expect(last).toEqual({ summary: { passed, failed: 0, skipped } });
    expect(code).toBe(0);
  });

  it('says what is wrong with a server that fails a check, and exits with 1', async () => {
    const { address: behind } = await serveHere();
    const mutant = MUTANTS.find(({ fails }) => fails.length === 1 && fails[0] === 'STDIN-05');
    if (mutant === undefined) throw new Error('there is no such mutant');
    const { address, stop } = await startMutant(mutant, behind);
    onTestFinished(stop);
    const flags = ['--address', formatAddress(address), '--grep', '^stdin-0[45]', ...TIMEOUT];
    const { code, stdout } = await runCli(['conformance', ...flags]);
    const { lines } = parseTap(stdout.toString());
    expect(lines.map(({ id, ok }) => `${id} ${ok}`)).toEqual(['STDIN-04 true', 'STDIN-05 false']);
    expect(stdout.toString()).toContain('message: "accepted_offset: expected 5n, got 3n"');
    expect(code).toBe(1);
  });

  it('runs the checks that are named, in any case of their letters', async () => {
    const { address } = await serveHere();
    const flags = ['--address', formatAddress(address), '--only', 'stdin-04', 'LIFE-01'];
    const { code, stdout } = await runCli(['conformance', ...flags, ...TIMEOUT]);
    const { lines } = parseTap(stdout.toString());
    expect(lines.map(({ id }) => id)).toEqual(['LIFE-01', 'STDIN-04']);
    expect(code).toBe(0);
  });

  it('lists the checks as JSON, too', async () => {
    const { code, stdout } = await runCli(['conformance', '--list', '--json']);
    const lines = stdout.toString().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      CHECKS.map(({ clause, id, title }) => ({ id, title, clause })),
    );
    expect(code).toBe(0);
  });

  it('lists the checks without a server', async () => {
    const { code, stdout } = await runCli(['conformance', '--list']);
    const lines = stdout.toString().trimEnd().split('\n');
    expect(lines).toEqual(CHECKS.map(({ clause, id, title }) => `${id}\t${title}\t${clause}`));
    expect(code).toBe(0);
  });

  it('exits with 125 where no server answers', async () => {
    const address = `unix:${await temporaryFolder()}/none.sock`;
    const { code, stderr, stdout } = await runCli(['conformance', '--address', address]);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 125, stdout: '' });
    expect(stderr).toMatch(/^runlet: no server answers at unix:/);
    expect(stderr).toContain(address);
  });

  it.each([
    { why: 'an address that is none', args: ['--address', 'nowhere'] },
    { why: 'an unknown check', args: ['--only', 'LIFE-99'] },
    { why: 'a pattern that is none', args: ['--grep', '('] },
    { why: 'a pattern that nothing matches', args: ['--list', '--grep', 'no such thing'] },
    { why: 'no time at all', args: ['--timeout', '0'] },
    { why: 'no jobs', args: ['--jobs', '0'] },
  ])('exits with 2 for $why', async ({ args }) => {
    const env = { ...process.env, RUNLET_ADDRESS: '' };
    const { code, stderr } = await runCli(['conformance', ...args], '', { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^(error|runlet): /);
  });
});
