import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStat } from '../../bench/lib/process-stat.mjs';
import { installGoTool } from '../../load/lib/go-tool.mjs';
import type { LoadReport } from '../../load/lib/report.mjs';
import { SCENARIOS } from '../../load/lib/scenarios.mjs';
import { findTool, GO_TOOLS, TOOL_NAMES } from '../../load/lib/tools.mjs';
import { ROOT, readBlocks } from '../docs/pages.ts';
import { serve } from '../interop/support.ts';
import { temporaryFolder } from '../support/harness.ts';

const MAIN = fileURLToPath(new URL('../../load/main.mjs', import.meta.url));

// The gate builds it; k6 takes minutes, and is built on request.
if (process.env['CI'] === 'true') await installGoTool(GO_TOOLS.ghz);

const tools = await Promise.all(
  TOOL_NAMES.map(async (name) => {
    const found = await findTool(name);
    return { name, missing: typeof found === 'string' ? found : undefined };
  }),
);

/** Runs the program. */
async function load(...args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[number]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, output: `${stdout}${stderr}` };
}

/** What the name of a test says where its tool is not there. */
function skipped(missing: string | undefined): string {
  return missing === undefined ? '' : ` (skipped, missing: ${missing})`;
}

/** Pids of processes whose command line has a text, but for the program's own. */
function processesWith(part: string): number[] {
  return pids().filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      return command.includes(part) && !command.includes(MAIN);
    } catch {
      return false;
    }
  });
}

function childrenOf(parent: number): number[] {
  return pids().filter((pid) => readStat(pid)?.parent === parent);
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

describe.each(tools)('a small load by $name', ({ missing, name }) => {
  const title = 'runs each scenario without an error, and leaves the server as it was';
  it.skipIf(missing)(`${title}${skipped(missing)}`, async () => {
    const out = await temporaryFolder();
    const { code, output } = await load('--size', 'smoke', '--tool', name, '--out', out);
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });

    const report = JSON.parse(await readFile(join(out, 'load.json'), 'utf8')) as LoadReport;
    expect(report).toMatchObject({ missing: [], failures: [] });
    expect(report.scenarios.map((one) => one.name)).toEqual(
      SCENARIOS.filter(({ tool }) => tool === name).map((one) => one.name),
    );
    for (const { calls, errors, expected, latency, tool } of report.scenarios) {
      expect({ errors, calls }).toEqual({ errors: [], calls: expected });
      expect(calls).toBeGreaterThan(0);
      if (tool !== 'node') expect(latency?.max).toBeGreaterThanOrEqual(latency?.p50 ?? Infinity);
    }
    expect(report.servers).toHaveLength(1);
    for (const { back, samples } of report.servers) {
      expect(back).toMatchObject({ faults: [], after: { children: 0, zombies: 0 } });
      expect(samples.length).toBeGreaterThan(0);
    }
    const svg = await readFile(join(out, 'load.svg'), 'utf8');
    for (const { name: scenario } of report.scenarios) expect(svg).toContain(scenario);
    expect(await readFile(join(out, 'load.md'), 'utf8')).toContain('| scenario ');
  });
});

/** What the commands of docs/load.md print that a tool is called with by hand. */
const BY_HAND: Readonly<Record<string, RegExp>> = {
  ghz: /\[OK\] +500 responses/,
  k6: /iterations.*iterations/s,
  h2load: /1000 succeeded, 0 failed/,
};

describe.each(tools.filter(({ name }) => name in BY_HAND))('$name by hand', (tool) => {
  it.skipIf(tool.missing)(`works as docs/load.md shows it${skipped(tool.missing)}`, async () => {
    const blocks = await readBlocks('docs/load.md');
    const block = blocks.find(({ kind, name }) => kind === 'tool' && name === tool.name);
    const server = await serve('--state-dir', await temporaryFolder());
    onTestFinished(async () => void (await server.stop()));
    const script = block?.commands.replaceAll('127.0.0.1:50051', server.address);
    const { stdout } = await promisify(execFile)('sh', ['-euc', script ?? 'exit 1'], {
      cwd: ROOT,
      // Where it names no server, a script of k6 loads this one.
      env: { ...process.env, RUNLET_ADDRESS: server.address },
    });
    expect(stdout).toMatch(BY_HAND[tool.name] ?? '');
  });
});

describe('the program', () => {
  it.each([
    [['--size', 'huge'], 'there is no size huge'],
    [['--tool', 'wrk'], 'there is no tool wrk'],
    [['nothing'], 'there is no scenario nothing'],
    [['--tool', 'ghz', 'holding'], 'no scenario is of these names and tools'],
    [['--nonsense'], "Unknown option '--nonsense'"],
  ])('refuses %o', async (args, why) => {
    const { code, output } = await load(...args);
    expect(code).toBe(2);
    expect(output).toContain(why);
  });

  it('leaves no process and no file behind when it is interrupted', async () => {
    const folder = await temporaryFolder();
    const args = [MAIN, '--size', 'smoke', '--out', folder, 'holding'];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, TMPDIR: folder },
    });
    const closed = once(child, 'close');
    // By then it has a server, and that one sessions and processes.
    for await (const line of createInterface(child.stderr)) {
      if (line.includes('holding for')) break;
    }
    const server = processesWith(folder);
    expect(server).not.toEqual([]);
    const processes = server.flatMap((pid) => childrenOf(pid));
    expect(processes).not.toEqual([]);
    child.kill('SIGINT');
    await closed;
    await expect.poll(() => processesWith(folder)).toEqual([]);
    await expect.poll(() => processes.filter((pid) => readStat(pid))).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('lists all scenarios', async () => {
    const { code, output } = await load('--list');
    expect(code).toBe(0);
    for (const { name } of SCENARIOS) expect(output).toContain(`  ${name} `);
  });
});
