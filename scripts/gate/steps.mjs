// @ts-check
import { execFileSync } from 'node:child_process';

/** @import { Step } from './gate.mjs' */

/** What has to be there for steps below. Debian's packages have the names of the programs. */
const TOOLS = ['tmux', 'zsh', 'fish', 'nginx', 'haproxy', 'chromium', 'mandoc'];

/** Lines of Node.js beside the one that runs the gate. */
const NODE_LINES = ['22', '24', '26'];

/** @type {Step} */
const INSTALL = { name: 'install', command: ['npm', 'ci'], seconds: 600, needed: true };

/** Has tests fail where a tool is missing, instead of skipping them. */
const ALL_TOOLS = { CI: 'true' };

/**
 * The steps of the gate, in their order. Their bounds are for what hangs: several times what
 * they take on a quiet machine with two cores, which CONTRIBUTING.md tells.
 *
 * @returns {readonly Step[]}
 */
export function gateSteps() {
  return [
    ...installTools(),
    INSTALL,
    { name: 'check', command: npm('check'), seconds: 300 },
    { name: 'check:package', command: npm('check:package'), seconds: 600 },
    { name: 'test', command: npm('test'), seconds: 1800, tests: true },
    { name: 'test:long', command: npm('test:long'), seconds: 1500, tests: true },
    { name: 'test:fallback', command: npm('test:fallback'), seconds: 1500, tests: true },
    { name: 'test:as-user', command: ['scripts/test-as-user.sh'], seconds: 1500, tests: true },
    ...NODE_LINES.map((line) => ({
      name: `test:node${line}`,
      command: ['scripts/test-node-line.sh', line],
      seconds: 1500,
      tests: true,
    })),
    { name: 'test:site', command: npm('test:site'), seconds: 600, tests: true },
    interop('test:interop'),
    interop('test:clients'),
    interop('test:load'),
    { name: 'bench:guard', command: npm('bench:guard'), seconds: 600 },
    { name: 'test:guard', command: npm('test:guard'), seconds: 1500, tests: true },
  ];
}

/** @param {string} script */
function npm(script) {
  return ['npm', 'run', script, '--'];
}

/** @param {string} name of the script, and of the step */
function interop(name) {
  return { name, command: npm(name), seconds: 1500, tests: true, env: ALL_TOOLS };
}

/**
 * Installs what is missing of the tools, where root runs the gate on Debian. Elsewhere tests
 * name what is missing.
 *
 * @returns {readonly Step[]}
 */
function installTools() {
  const missing = TOOLS.filter((program) => !has(program));
  if (missing.length === 0 || process.getuid?.() !== 0 || !has('apt-get')) return [];
  // At a run level of no services none is started.
  const script = `apt-get update -qq &&
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"`;
  return [{ name: 'install:tools', command: ['sh', '-c', script, 'sh', ...missing], seconds: 300 }];
}

/** @param {string} program whether it is on the path */
function has(program) {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
