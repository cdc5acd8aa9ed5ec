// @ts-check
import { spawnSync } from 'node:child_process';
import { goToolPath, hasGoTool } from './go-tool.mjs';

/** @import { GoTool } from './go-tool.mjs' */

/** @typedef {'ghz' | 'k6' | 'h2load' | 'node'} ToolName */

/** Those that are built from their source. */
export const GO_TOOLS = {
  /** @type {GoTool} */
  ghz: {
    module: 'github.com/bojand/ghz',
    version: 'v0.121.0',
    package: 'github.com/bojand/ghz/cmd/ghz',
  },
  /** @type {GoTool} */
  k6: { module: 'go.k6.io/k6', version: 'v1.8.1', package: 'go.k6.io/k6' },
};

/**
 * What generates load, in the order in which it is used.
 *
 * @type {readonly ToolName[]}
 */
export const TOOL_NAMES = ['ghz', 'k6', 'h2load', 'node'];

/**
 * A tool as it is on this machine.
 *
 * @typedef {object} Tool
 * @property {ToolName} name
 * @property {string} version
 * @property {string} program its path, or its name where it is one of the system's
 */

/**
 * Finds a tool on this machine.
 *
 * @param {ToolName} name
 * @returns {Promise<Tool | string>} or what is missing, and where it would come from
 */
export async function findTool(name) {
  switch (name) {
    case 'ghz':
    case 'k6': {
      const tool = GO_TOOLS[name];
      if (await hasGoTool(tool)) return { name, version: tool.version, program: goToolPath(tool) };
      return `${name} ${tool.version}: \`npm run load:install\` builds it, with Go`;
    }
    case 'h2load': {
      const { status, stdout } = spawnSync('h2load', ['--version'], { encoding: 'utf8' });
      if (status !== 0) return 'h2load: Debian has it in nghttp2-client';
      return { name, version: stdout.trim().split('/').at(-1) ?? '', program: name };
    }
    case 'node':
      return { name, version: process.version, program: process.execPath };
  }
}
