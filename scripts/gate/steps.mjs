// @ts-check
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** @import { Step } from './gate.mjs' */

/** What has to be there for steps below, and the packages of Debian that have it. */
const TOOLS = {
  bwrap: 'bubblewrap',
  chromium: 'chromium',
  curl: 'curl',
  fish: 'fish',
  haproxy: 'haproxy',
  mandoc: 'mandoc',
  nginx: 'nginx',
  promtool: 'prometheus',
  python3: 'python3',
  'systemd-analyze': 'systemd',
  tmux: 'tmux',
  zsh: 'zsh',
};

/** Lines of Node.js beside the one that runs the gate. */
const NODE_LINES = ['22', '24', '26'];

/** @type {{ scripts: Readonly<Record<string, string>> }} */
const { scripts: SCRIPTS } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

/** @type {Step} */
const INSTALL = { name: 'install', command: ['npm', 'ci'], seconds: 600, needed: true };

/** Has tests fail where a tool is missing, instead of skipping them. */
const ALL_TOOLS = { CI: 'true' };

/** What runs beside another step has fewer workers than alone. */
const BESIDE = {
  beside: true,
  env: { VITEST_MAX_WORKERS: String(Math.ceil(1.5 * availableParallelism())) },
};

/**
 * The steps of the gate, in their order. Their bounds are for what hangs: several times what
 * they take on a quiet machine with two cores, which CONTRIBUTING.md tells. What takes long is
 * begun first of those that run beside one another.
 *
 * @returns {readonly Step[]}
 */
export function gateSteps() {
  return [
    ...installTools(),
    INSTALL,
    { ...BESIDE, name: 'check:package', command: built('check:package'), seconds: 600 },
    { ...BESIDE, name: 'check', command: built('check'), seconds: 300 },
    { name: 'test', command: built('test'), seconds: 1800, tests: true },
    { ...BESIDE, ...suite('test:long') },
    { ...BESIDE, ...suite('test:clients'), env: { ...BESIDE.env, ...ALL_TOOLS } },
    { ...BESIDE, ...suite('test:fallback') },
    ...NODE_LINES.map((line) => ({
      ...BESIDE,
      name: `test:node${line}`,
      command: ['scripts/test-node-line.sh', line],
      seconds: 1500,
      tests: true,
    })),
    {
      ...BESIDE,
      name: 'test:as-user',
      command: ['scripts/test-as-user.sh'],
      seconds: 1500,
      tests: true,
    },
    { ...BESIDE, ...suite('test:interop'), env: { ...BESIDE.env, ...ALL_TOOLS } },
    { ...BESIDE, name: 'test:site', command: npm('test:site'), seconds: 600, tests: true },
    { ...suite('test:load'), env: ALL_TOOLS },
    { name: 'bench:guard', command: built('bench:guard'), seconds: 600 },
    suite('test:guard'),
  ];
}

/** @param {string} script with what comes before it */
function npm(script) {
  return ['npm', 'run', script, '--'];
}

/**
 * What a script of package.json runs, without what npm runs before it: that builds the project,
 * which the installation has done.
 *
 * @param {string} script
 */
function built(script) {
  const programs = `PATH="$PWD/node_modules/.bin:$PATH"`;
  return ['sh', '-c', `export ${programs}; ${SCRIPTS[script]} "$@"`, 'sh'];
}

/** @param {string} script of tests, and name of the step */
function suite(script) {
  return { name: script, command: built(script), seconds: 1500, tests: true };
}

/**
 * Installs what is missing of the tools, where root runs the gate on Debian. Elsewhere tests
 * name what is missing.
 *
 * @returns {readonly Step[]}
 */
function installTools() {
  const missing = Object.entries(TOOLS)
    .filter(([program]) => !has(program))
    .map(([, name]) => name);
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
