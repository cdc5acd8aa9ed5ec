// @ts-check
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MissingError } from './missing-error.mjs';

const CACHE = fileURLToPath(new URL('../../.cache/bench', import.meta.url));
const FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror'];

/** What several of the programs include. */
const SHARED = new URL('../bound.h', import.meta.url);

/**
 * The C compilers that are looked for, in this order. `CC` names another one.
 *
 * @type {readonly string[]}
 */
const COMPILERS = ['cc', 'gcc', 'clang'];

/**
 * Finds a C compiler.
 *
 * @returns {{ command: string, version: string }} the first line that it says of its version
 * @throws MissingError if there is none
 */
export function findCompiler() {
  const named = process.env['CC'];
  for (const command of named ? [named] : COMPILERS) {
    const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    if (status === 0) return { command, version: stdout.split('\n', 1)[0] ?? '' };
  }
  throw new MissingError(
    named ? `the C compiler ${named}: install it, or have CC name another` : NO_COMPILER,
  );
}

const NO_COMPILER = `a C compiler: install ${COMPILERS.slice(1).join(' or ')}, or have CC name one`;

/**
 * Compiles a program of one file and what they share, unless that was done before with this compiler.
 *
 * @param {{ command: string, version: string }} compiler
 * @param {URL} source
 * @returns {string} the path of the program
 * @throws Error if it does not compile
 */
export function compileProgram({ command, version }, source) {
  const texts = [source, SHARED].map((file) => readFileSync(file));
  const hash = createHash('sha256').update(`${command}\n${version}\n${FLAGS}\n`);
  for (const text of texts) hash.update(text);
  const name = basename(source.pathname, '.c');
  const program = join(CACHE, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  // Renamed when it is whole, so that what an interrupted run leaves is not taken for it.
  const unfinished = `${program}.${process.pid}`;
  const args = [...FLAGS, '-o', unfinished, fileURLToPath(source)];
  const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${command} could not compile ${name}.c`);
  renameSync(unfinished, program);
  return program;
}
