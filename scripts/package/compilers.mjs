// The compilers, and the types of Node.js, with which programs that use the package have to
// compile. Those that the project does not use itself are installed into `.cache/`, as the lock
// in `test/package/toolchains/` has them.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LOCKED = join(root, 'test', 'package', 'toolchains');
const FILES = ['package.json', 'package-lock.json'];
const CACHE = join(root, '.cache', 'toolchains');

/**
 * What is compiled with what: every compiler, every line of the types of Node.js, and every way
 * of finding modules. `module` is what TypeScript calls the modules that go with that way.
 * With `mcp`, what uses the SDK of MCP is compiled, too: the SDK's types take the compiler several
 * times as long as all of ours, and they need a compiler that knows what zod does. With `emits`,
 * what was compiled is written: it would be the same everywhere.
 */
const COMBINATIONS = [
  { typescript: '5.4', node: '20', resolution: 'nodenext', module: 'nodenext' },
  { typescript: '5.4', node: '24', resolution: 'node16', module: 'node16' },
  { typescript: '5.9', node: '22', resolution: 'nodenext', module: 'nodenext' },
  { typescript: '5.9', node: '24', resolution: 'bundler', module: 'preserve', mcp: true },
  {
    typescript: 'own',
    node: '20',
    resolution: 'nodenext',
    module: 'nodenext',
    mcp: true,
    emits: true,
  },
  { typescript: 'own', node: '22', resolution: 'node16', module: 'node16' },
  { typescript: 'own', node: '24', resolution: 'bundler', module: 'preserve' },
];

/** Everything that makes the compiler stricter, but for what forbids code that nobody uses. */
const STRICTEST = {
  strict: true,
  allowUnreachableCode: false,
  allowUnusedLabels: false,
  exactOptionalPropertyTypes: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: false,
};

/** The combinations, with the compiler, the types and the options of each. */
export function compilers() {
  const modules = install();
  return COMBINATIONS.map(({ emits, mcp, module, node, resolution, typescript }) => ({
    name: `TypeScript ${typescript}, types of Node.js ${node}, ${resolution}`,
    resolution,
    emits,
    mcp,
    tsc: join(
      typescript === 'own' ? join(root, 'node_modules') : modules,
      typescript === 'own' ? 'typescript' : `typescript-${typescript}`,
      'bin/tsc',
    ),
    nodeTypes: join(modules, `types-node-${node}`),
    options: { ...STRICTEST, module, moduleResolution: resolution, target: 'es2022' },
  }));
}

/** Installs the compilers unless those of the lock are there; gives the folder that they are in. */
function install() {
  const modules = join(CACHE, 'node_modules');
  if (FILES.every((file) => isSame(join(LOCKED, file), join(CACHE, file)))) return modules;
  mkdirSync(join(root, '.cache'), { recursive: true });
  // Made complete elsewhere, and put in its place at once.
  const work = mkdtempSync(join(root, '.cache', 'toolchains-'));
  try {
    for (const file of FILES) copyFileSync(join(LOCKED, file), join(work, file));
    const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    const { error, status } = spawnSync('npm', ['ci', ...flags], { cwd: work, stdio: 'inherit' });
    if (error !== undefined) throw error;
    if (status !== 0) throw new Error('npm could not install the compilers');
    rmSync(CACHE, { recursive: true, force: true });
    renameSync(work, CACHE);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return modules;
}

function isSame(file, other) {
  return existsSync(other) && readFileSync(file).equals(readFileSync(other));
}
