// @ts-check
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where tools are installed; not in git. */
export const TOOLS_FOLDER = fileURLToPath(new URL('../../.cache/bin', import.meta.url));

/**
 * A program that is built from its source with Go.
 *
 * @typedef {object} GoTool
 * @property {string} module its path
 * @property {string} version of the module, exact: `v1.2.3`
 * @property {string} package the path of its main package; the last element names the program
 */

/**
 * Where a tool is, or will be.
 *
 * @param {GoTool} tool
 * @returns {string} the path of the program
 */
export function goToolPath(tool) {
  return join(TOOLS_FOLDER, tool.package.split('/').at(-1) ?? '');
}

/**
 * Whether this version of a tool was installed before.
 *
 * @param {GoTool} tool
 * @returns {Promise<boolean>} false, too, where there is no Go
 */
export async function hasGoTool(tool) {
  try {
    // Built by `go install`, few know their version; Go finds it in the binary.
    const { stdout } = await run('go', ['version', '-m', goToolPath(tool)]);
    return stdout.includes(`\t${tool.module}\t${tool.version}\t`);
  } catch {
    return false;
  }
}

/**
 * Installs a tool, unless this version of it was installed before.
 *
 * @param {GoTool} tool
 * @param {object} [options]
 * @param {number} [options.processes] of the compiler at one time. Default: Go's own
 * @returns {Promise<string>} the path of the program
 * @throws Error if there is no Go, or if the tool cannot be built
 */
export async function installGoTool(tool, { processes } = {}) {
  await run('go', ['version']).catch((cause) => {
    throw new Error(`${tool.package} is built with Go: install it (the command \`go\`)`, { cause });
  });
  if (await hasGoTool(tool)) return goToolPath(tool);
  const few = processes === undefined ? [] : ['-p', `${processes}`];
  await run('go', ['install', ...few, `${tool.package}@${tool.version}`], {
    env: { ...process.env, GOBIN: TOOLS_FOLDER },
  });
  return goToolPath(tool);
}
