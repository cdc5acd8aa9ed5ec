/**
 * Compiles the first process of sandboxes, src/sandbox/first/first.c, for each kind of machine, and
 * writes src/sandbox/first/programs.ts, which has it as text: whoever installs or builds the
 * package needs no compiler.
 *
 *     node scripts/first-process.mjs
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SOURCE = new URL('../src/sandbox/first/first.c', import.meta.url).pathname;
const TARGET = new URL('../src/sandbox/first/programs.ts', import.meta.url).pathname;

/** What compiles for a kind of machine, as Node.js calls it. */
const COMPILERS = {
  x64: ['x86_64-linux-gnu-gcc', '-fcf-protection=none'],
  arm64: ['aarch64-linux-gnu-gcc', '-mbranch-protection=none', '-mno-outline-atomics'],
};

const FLAGS = [
  ...[
    '-Os',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-ffreestanding',
    '-fno-builtin',
    '-fno-pie',
    '-no-pie',
  ],
  ...['-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-nostdlib', '-static'],
  '-Wl,--build-id=none,-z,noseparate-code,-z,norelro,-z,noexecstack,-s',
];

/**
 * Compiles it for a kind of machine.
 *
 * @returns {Buffer | undefined} the program; undefined: there is no compiler for it here
 */
export function compileFirst(arch) {
  const [compiler, ...flags] = COMPILERS[arch];
  const folder = mkdtempSync(join(tmpdir(), 'first-process-'));
  try {
    const output = join(folder, 'first');
    execFileSync(compiler, [...FLAGS, ...flags, '-o', output, SOURCE], { stdio: 'inherit' });
    return readFileSync(output);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What tells one source from another. */
export function sourceHash() {
  return createHash('sha256').update(readFileSync(SOURCE)).digest('hex');
}

function textOf(programs) {
  const constants = Object.entries(programs).map(([arch, program]) => {
    const lines = program.toString('base64').match(/.{1,88}/g);
    return `  ${arch}: [\n${lines.map((line) => `    '${line}',\n`).join('')}  ].join(''),\n`;
  });
  return `// Made by scripts/first-process.mjs of first.c: not to be edited.

/** The hash of the source that they were made of, SHA-256 in digits. */
export const FIRST_SOURCE_HASH = '${sourceHash()}';

/** The program of first.c for each kind of machine that it was written for, in Base64. */
export const FIRST_PROGRAMS = {
${constants.join('')}} as const;
`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const programs = Object.fromEntries(
    Object.keys(COMPILERS).map((arch) => {
      const program = compileFirst(arch);
      if (program === undefined) throw new Error(`no compiler: ${COMPILERS[arch][0]}`);
      return [arch, program];
    }),
  );
  writeFileSync(TARGET, textOf(programs));
}
