import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));

/** A program that does acts, made for the tests, and how it is removed. */
export interface ActsProgram {
  readonly path: string;
  remove(): void;
}

/** Compiles acts.c so that it needs no file to run. Needs a C compiler, as the tests' machine has. */
export function compileActs(): ActsProgram {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-acts-'));
  const path = join(folder, 'acts');
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'));
  execFileSync('cc', [
    ...['-O1', '-Wall', '-Wextra', '-Werror', '-static', '-o', path],
    ...sources.map((name) => join(SOURCES, name)),
  ]);
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
