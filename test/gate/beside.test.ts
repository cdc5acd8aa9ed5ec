import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runGate, type Step } from '../../scripts/gate/gate.mjs';
import { temporaryFolder } from '../support/harness.ts';

/** How long a step waits for another, in seconds: a bound for one that waits for ever. */
const SECONDS = 120;

/** A step that runs a script. */
const step = (name: string, script: string, more: Partial<Step> = {}): Step => ({
  ...{ name, command: ['sh', '-euc', script], seconds: SECONDS },
  ...more,
});

/** A step that writes a file, waits for the other's, and prints around it. */
const meets = (name: string, other: string): Step =>
  step(
    name,
    `echo '${name} 1'; touch ${name}; until [ -e ${other} ]; do sleep 0.02; done; echo '${name} 2'`,
    { beside: true },
  );

interface GateRun {
  readonly passed: boolean;
  readonly said: readonly string[];
  /** What the steps printed. */
  readonly printed: string;
}

async function gateOf(...steps: readonly Step[]): Promise<GateRun> {
  const cwd = await temporaryFolder();
  const reports = join(cwd, 'reports');
  await mkdir(reports);
  const path = join(cwd, 'log');
  const log = await open(path, 'w');
  onTestFinished(() => log.close());
  const said: string[] = [];
  const passed = await runGate(steps, {
    ...{ cwd, reports, output: log.fd },
    say: (line) => said.push(line),
    bound: (seconds) => AbortSignal.timeout(seconds * 1000),
  });
  return { passed, said, printed: await readFile(path, 'utf8') };
}

describe('steps that may run beside others', () => {
  it('run two at a time, and print one after the other', async () => {
    const { passed, printed } = await gateOf(meets('a', 'b'), meets('b', 'a'));
    expect(passed).toBe(true);
    expect(['a 1\na 2\nb 1\nb 2\n', 'b 1\nb 2\na 1\na 2\n']).toContain(printed);
  });

  it('are begun in their order, one when another ends', async () => {
    const third = step('c', 'test -e a || test -e b; echo c', { beside: true });
    const { passed, said } = await gateOf(meets('a', 'b'), meets('b', 'a'), third);
    expect(passed).toBe(true);
    const begun = said.filter((line) => /^\n==> /.test(line));
    expect(begun).toEqual(['\n==> a', '\n==> b', '\n==> c']);
  });

  it('have ended before one that runs alone begins, and begin after one', async () => {
    const alone = step('alone', 'test -e a; test -e b; test ! -e c; touch alone');
    const after = step('c', 'test -e alone; touch c', { beside: true });
    const { passed } = await gateOf(meets('a', 'b'), meets('b', 'a'), alone, after);
    expect(passed).toBe(true);
  });

  it('fail the gate, each by its name, and the other ends all the same', async () => {
    const fails = step('fails', 'echo why; exit 3', { beside: true });
    const other = step('other', 'touch ended', { beside: true });
    const last = step('last', 'test -e ended');
    const { passed, printed, said } = await gateOf(fails, other, last);
    expect(passed).toBe(false);
    expect(printed).toContain('why\n');
    const failed = said.filter((line) => line.includes('FAILED'));
    expect(failed.at(-1)).toMatch(/^fails +\d+ s, beside others {2}FAILED: exit code 3$/);
    expect(failed.every((line) => line.includes('fails'))).toBe(true);
  });
});
