import { existsSync, rmSync } from 'node:fs';
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readOutcome } from '../../scripts/gate/failures.mjs';
import { runGate } from '../../scripts/gate/gate.mjs';
import { temporaryFolder } from '../support/harness.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

/** Files of tests. What they leave behind is in the folder that they run in. */
const FILES = {
  'passes.test.mjs': `it('passes', () => {});`,
  // Fails where it has not failed before.
  'once.test.mjs': `it('fails once', () => {
    const before = existsSync('failed');
    writeFileSync('failed', '');
    expect(before).toBe(true);
  });
  it('passes beside it', () => {});`,
  'always.test.mjs': `it('fails always', () => expect(1).toBe(2));`,
  'waits.test.mjs': `it('waits for ever', { timeout: 100 }, () => new Promise(() => {}));`,
  // No bound on a test ends this.
  'spins.test.mjs': `it('spins for ever', () => {
    writeFileSync('spinning', '');
    for (;;);
  });`,
  'rejects.test.mjs': `it('leaves a rejection behind', async () => {
    if (existsSync('rejected')) return;
    writeFileSync('rejected', '');
    Promise.reject(new Error('nobody caught this'));
    await new Promise(setImmediate);
  });`,
} as const;

type File = keyof typeof FILES;

interface GateRun {
  readonly passed: boolean;
  /** What the gate said, without what its steps printed. */
  readonly said: readonly string[];
}

/** Runs a gate of one step, which has some of those files; what spins is stopped once the others ended. */
async function gateOver(...names: readonly File[]): Promise<GateRun> {
  const folder = await temporaryFolder();
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(
    join(folder, 'vitest.config.mjs'),
    `import { TestReport } from ${JSON.stringify(join(ROOT, 'scripts/gate/test-report.mjs'))};
    export default { test: { reporters: ['default', new TestReport()], maxWorkers: 2 } };`,
  );
  for (const name of names) {
    await writeFile(
      join(folder, name),
      `import { expect, it } from 'vitest';
      import { existsSync, writeFileSync } from 'node:fs';
      ${FILES[name]}`,
    );
  }
  const reports = join(folder, 'reports');
  await mkdir(reports);
  const log = await open(join(folder, 'log'), 'w');
  onTestFinished(() => log.close());
  const said: string[] = [];
  const passed = await runGate(
    [{ name: 'suite', command: [process.execPath, VITEST, 'run'], seconds: 1, tests: true }],
    {
      cwd: folder,
      reports,
      output: log.fd,
      say: (line) => said.push(line),
      bound: stopsWhatSpins(folder),
    },
  );
  return { passed, said };
}

/** Gives each run a signal that aborts when one file spins and all others have ended, or after the test. */
function stopsWhatSpins(folder: string): () => AbortSignal {
  let running = new AbortController();
  const spinning = join(folder, 'spinning');
  const report = join(folder, 'reports', 'suite.jsonl');
  const looking = setInterval(() => {
    const unended = readOutcome(report).files.filter(({ tests }) =>
      tests.some(({ message }) => message === 'it did not end'),
    );
    if (!existsSync(spinning) || unended.length > 1) return;
    rmSync(spinning);
    running.abort();
  }, 50);
  onTestFinished(() => {
    clearInterval(looking);
    running.abort();
  });
  return () => {
    running = new AbortController();
    return running.signal;
  };
}

describe('a gate', () => {
  it('passes where all tests do', async () => {
    const { passed, said } = await gateOver('passes.test.mjs');
    expect(passed).toBe(true);
    expect(said.at(-1)).toBe('1 passed, 0 failed, 0 flaky');
  });

  it('names a test that fails once, and passes', async () => {
    const { passed, said } = await gateOver('once.test.mjs', 'passes.test.mjs');
    expect(passed).toBe(true);
    expect(flakyOf(said)).toEqual(['FLAKY once.test.mjs: fails once']);
    expect(said.at(-1)).toBe('3 passed, 0 failed, 1 flaky');
  });

  it('tells why a test failed once', async () => {
    const { said } = await gateOver('once.test.mjs');
    expect(said.join('\n')).toMatch(
      /passed alone: once\.test\.mjs\n {2}fails once\n.*expected false/,
    );
  });

  it('fails where a test fails always', async () => {
    const { passed, said } = await gateOver('always.test.mjs', 'passes.test.mjs');
    expect(passed).toBe(false);
    expect(flakyOf(said)).toEqual([]);
    expect(said.join('\n')).toMatch(/suite: failed: always\.test\.mjs\n {2}fails always\n/);
    expect(said.at(-1)).toBe('1 passed, 1 failed, 0 flaky');
  });

  it('fails where a test waits for ever', async () => {
    const { passed, said } = await gateOver('waits.test.mjs');
    expect(passed).toBe(false);
    expect(said.join('\n')).toMatch(/waits for ever\n.*timed out in 100ms/);
  });

  it('fails where a test spins for ever, and runs the others', async () => {
    const { passed, said } = await gateOver('once.test.mjs', 'spins.test.mjs', 'passes.test.mjs');
    expect(passed).toBe(false);
    expect(flakyOf(said)).toEqual(['FLAKY once.test.mjs: fails once']);
    expect(said.join('\n')).toMatch(/suite: failed: spins\.test\.mjs\n.*\n +it did not end\n/);
  });

  it('runs a file once more that left a rejection behind', async () => {
    const { passed, said } = await gateOver('rejects.test.mjs');
    expect(passed).toBe(true);
    expect(flakyOf(said)).toEqual(['FLAKY rejects.test.mjs: the file itself']);
  });

  it('fails where nothing says which test failed', async () => {
    const { passed, said } = await gateOver();
    expect(passed).toBe(false);
    expect(said.at(-1)).toBe('0 passed, 0 failed, 0 flaky');
  });
});

function flakyOf(said: readonly string[]): readonly string[] {
  return said.filter((line) => line.startsWith('FLAKY'));
}
