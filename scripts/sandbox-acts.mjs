// @ts-check
/*
 * Compiles src/sandbox/probe/acts.c for the machines that there are sandboxes on, and writes what
 * comes of it to acts-program.ts beside it. Needs cc on x86 with 64 bits, and
 * aarch64-linux-gnu-gcc:
 *
 *     node scripts/sandbox-acts.mjs
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../src/sandbox/probe/acts.c', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../src/sandbox/probe/acts-program.ts', import.meta.url));

const FLAGS = [
  ...[
    '-Os',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-ffreestanding',
    '-fno-stack-protector',
    '-fno-builtin',
  ],
  ...['-fno-asynchronous-unwind-tables', '-nostdlib', '-static'],
  '-Wl,--build-id=none,-z,noseparate-code,-z,norelro,-z,noexecstack,-s',
];

/** @type {Readonly<Record<string, readonly string[]>>} */
const COMPILERS = {
  x64: ['cc', '-fcf-protection=none'],
  arm64: ['aarch64-linux-gnu-gcc'],
};

/** @param {readonly string[]} compiler with flags of its own */
function compiled([compiler = '', ...flags]) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-acts-'));
  try {
    const program = join(folder, 'acts');
    execFileSync(compiler, [...FLAGS, ...flags, '-o', program, SOURCE], { stdio: 'inherit' });
    return readFileSync(program);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hash = createHash('sha256').update(readFileSync(SOURCE)).digest('hex');
const programs = Object.entries(COMPILERS).map(([arch, compiler]) => {
  const lines =
    compiled(compiler)
      .toString('base64')
      .match(/.{1,90}/g) ?? [];
  return `  ${arch}: [\n${lines.map((line) => `    '${line}',\n`).join('')}  ].join(''),\n`;
});

writeFileSync(
  PROGRAM,
  `/* Made of acts.c by scripts/sandbox-acts.mjs. */

/** The SHA-256 of the source that the programs were made of. */
export const ACTS_SOURCE_SHA256 = '${hash}';

/** The program for each kind of machine, as Node.js names it, in base64. */
export const ACTS_PROGRAMS: Readonly<Record<string, string>> = {
${programs.join('')}};
`,
);
