// @ts-check
import { describeMachine } from '../../bench/lib/machine.mjs';
import { awaitReturn, holdingsOf } from './holdings.mjs';
import { startSampler } from './sampler.mjs';
import { makeScratchFolder } from './scratch-folder.mjs';
import { startServer } from './server.mjs';
import { findTool } from './tools.mjs';

/** @import { LoadReport, ServerRun } from './report.mjs' */
/** @import { Sampler } from './sampler.mjs' */
/** @import { Scenario, SizeName } from './scenario.mjs' */
/** @import { LoadedServer } from './server.mjs' */
/** @import { Tool, ToolName } from './tools.mjs' */

/**
 * A server may have so much more of resident memory after a load than when it was new: its
 * code is compiled, and V8 and the allocator keep pages for what comes next. Counted once
 * all garbage is collected.
 */
const TOLERANCE_MIB = 128;

/** How long a server may take to give back what it held. */
const RETURN_MS = 120_000;

/**
 * @typedef {object} RunOptions
 * @property {readonly Scenario[]} scenarios
 * @property {SizeName} size
 * @property {(what: string) => void} say tells of progress
 */

/**
 * Runs scenarios in turn. Those that ask for no server of their own share one.
 *
 * @param {RunOptions} options
 * @returns {Promise<LoadReport>}
 */
export async function runLoad({ scenarios, size, say }) {
  const began = performance.now();
  /** @type {LoadReport} */
  const report = {
    size,
    machine: describeMachine(),
    seconds: 0,
    tools: [],
    missing: [],
    failures: [],
    scenarios: [],
    servers: [],
  };
  const found = await findTools(scenarios, report);
  const groups = [
    {
      flags: /** @type {string[]} */ ([]),
      members: found.filter(({ scenario }) => scenario.ownServer === undefined),
    },
    ...found.flatMap((one) => {
      const flags = one.scenario.ownServer?.(size);
      return flags === undefined ? [] : [{ flags, members: [one] }];
    }),
  ];
  for (const { flags, members } of groups) {
    if (members.length > 0) await runGroup(flags, members, { report, say });
  }
  report.seconds = (performance.now() - began) / 1000;
  return report;
}

/**
 * @typedef {{ scenario: Scenario, tool: Tool }} Ready
 */

/**
 * @param {readonly Scenario[]} scenarios
 * @param {LoadReport} report which is told what is there, and what is not
 * @returns {Promise<Ready[]>} those whose tool is there
 */
async function findTools(scenarios, report) {
  /** @type {Map<ToolName, Tool | string>} */
  const tools = new Map();
  for (const { tool } of scenarios) {
    if (!tools.has(tool)) tools.set(tool, await findTool(tool));
  }
  for (const tool of tools.values()) {
    if (typeof tool === 'object') report.tools.push({ name: tool.name, version: tool.version });
  }
  return scenarios.flatMap((scenario) => {
    const tool = tools.get(scenario.tool) ?? '';
    if (typeof tool === 'object') return [{ scenario, tool }];
    report.missing.push({ scenario: scenario.name, what: tool });
    return [];
  });
}

/**
 * Runs scenarios on one server, and looks whether it is as it was in the end.
 *
 * @param {string[]} flags of the server
 * @param {readonly Ready[]} members
 * @param {{ report: LoadReport, say: (what: string) => void }} context
 */
async function runGroup(flags, members, { report, say }) {
  const server = await startServer(flags);
  const sampler = startSampler(server.pid);
  try {
    const before = holdingsOf(server.pid);
    for (const ready of members) await runOne(ready, { report, say, server, sampler });
    say('waiting for the server to be as it was before');
    const back = await awaitReturn(server, before, {
      toleranceMib: TOLERANCE_MIB,
      timeoutMs: RETURN_MS,
    });
    /** @type {ServerRun} */
    const run = { flags, samples: sampler.samples, back };
    report.servers.push(run);
  } finally {
    sampler.stop();
    await server.stop();
  }
}

/**
 * @param {Ready} ready
 * @param {object} context
 * @param {LoadReport} context.report
 * @param {(what: string) => void} context.say
 * @param {LoadedServer} context.server
 * @param {Sampler} context.sampler
 */
async function runOne({ scenario, tool }, { report, say, server, sampler }) {
  const { name, summary, latencyOf } = scenario;
  const folder = makeScratchFolder();
  const from = sampler.seconds();
  const cpuBefore = sampler.cpuSeconds();
  try {
    const outcome = await scenario.run({
      server,
      tool,
      size: report.size,
      folder: folder.path,
      say: (what) => say(`${name}: ${what}`),
    });
    const to = sampler.seconds();
    const cpuSeconds = sampler.cpuSeconds() - cpuBefore;
    const peakMib = peakIn(sampler, from, to);
    report.scenarios.push({
      ...{ name, tool: scenario.tool, summary, latencyOf, ...outcome },
      ...{ server: report.servers.length, from, to, cpuSeconds, peakMib },
    });
    const state = outcome.errors.length === 0 ? 'no errors' : outcome.errors.join('; ');
    say(`${name}: ${outcome.calls} of ${outcome.expected}, ${state}, ${Math.round(to - from)} s`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    report.failures.push({ scenario: name, message });
    say(`${name}: ${message}`);
  } finally {
    folder.remove();
  }
}

/**
 * @param {Sampler} sampler
 * @param {number} from
 * @param {number} to
 * @returns {number} the most resident memory that was seen in between, in MiB
 */
function peakIn({ samples }, from, to) {
  const inside = samples.filter(({ seconds }) => seconds >= from && seconds <= to);
  return Math.max(0, ...inside.map(({ residentMib }) => residentMib));
}
