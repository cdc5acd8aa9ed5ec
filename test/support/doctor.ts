import { spawn } from 'node:child_process';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Outcome } from '../../src/doctor/check.ts';
import { isOwnVariable } from '../../src/environment/env-policy.ts';
import { MAIN, resultOf } from './cli.ts';
import { temporaryFolder } from './harness.ts';
import { hasTool } from './needed-tools.ts';

/** Where `runlet doctor` runs, and how it came to be there. */
export interface DoctorPlace {
  readonly args?: readonly string[];
  /** As whom. Default: as who runs the tests. */
  readonly user?: number | undefined;
  /** What root does before, in a namespace of mounts of its own: shell code; `$0` is a folder. */
  readonly before?: string;
  /** Namespaces beside that. */
  readonly unshare?: readonly string[];
  /** What then becomes the program, with its command line after it: shell code. */
  readonly through?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A line of what it found, as JSON has it. */
export interface DoctorCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly required: boolean;
  readonly detail: string;
  readonly consequence: string | null;
  readonly remedy: string | null;
}

/** What it said. */
export interface Diagnosis {
  readonly code: number | null;
  readonly ok: boolean;
  readonly checks: readonly DoctorCheck[];
  /** The folder that was `$0`. */
  readonly folder: string;
  /** The number of the process, unless it was in a namespace of its own. */
  readonly pid: number;
  of(name: string): DoctorCheck;
  /** The names of those that are not well. */
  readonly ill: readonly string[];
}

/** Little enough that every machine has it. */
export const SMALL = ['--max-processes', '10', '--output-disk', '1MiB', '--output-memory', '1MiB'];

/** Namespaces in which root changes what the machine looks like, to one program alone. */
const OWN_MOUNTS = ['--mount', '--propagation', 'private'];

/** Whether the tests can do that. */
export const CAN_MOUNT = process.getuid?.() === 0 && hasTool('unshare', ...OWN_MOUNTS, 'true');

/** Runs the built program, whose folders for state and sockets are below one of the test's. */
export async function diagnose(place: DoctorPlace = {}): Promise<Diagnosis> {
  const { args = [], env = {}, user } = place;
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  for (const name of ['state', 'runtime']) {
    const path = join(folder, name);
    await mkdir(path, { mode: 0o700 });
    if (user !== undefined) await chown(path, user, user);
  }
  const as =
    user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const program = [...as, process.execPath, MAIN, 'doctor', '--json', ...args];
  const [command = '', ...rest] = inPlace(place, folder, program);
  const child = spawn(command, rest, {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOwnVariable(name))),
      HOME: folder,
      // What is compiled is kept where it always is.
      XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
      XDG_STATE_HOME: join(folder, 'state'),
      XDG_RUNTIME_DIR: join(folder, 'runtime'),
      ...env,
    },
  });
  const { code, stderr, stdout } = await resultOf(child);
  expect(stderr).toBe('');
  const { checks, ok } = JSON.parse(stdout.toString()) as Pick<Diagnosis, 'checks' | 'ok'>;
  return {
    code,
    ok,
    checks,
    folder,
    pid: child.pid ?? 0,
    of(name) {
      const check = checks.find((one) => one.name === name);
      if (check === undefined) throw new Error(`nothing is said of ${name}`);
      return check;
    },
    ill: checks.filter((check) => !check.ok).map(({ name }) => name),
  };
}

function inPlace(
  { before, through = '', unshare = [] }: DoctorPlace,
  folder: string,
  program: readonly string[],
): readonly string[] {
  if (before === undefined && through === '' && unshare.length === 0) return program;
  const script = `${before ?? ':'}\nexec ${through} "$@"`;
  const spaces = before === undefined && unshare.length === 0 ? [] : ['unshare', ...OWN_MOUNTS];
  return [...spaces, ...unshare, 'sh', '-ec', script, folder, ...program];
}

/** Asserts what has to hold of every diagnosis, whatever was found. */
export function expectSound({ checks, code, ok }: Diagnosis): void {
  const missing = checks.some((check) => !check.ok && check.required);
  expect([code, ok]).toEqual(missing ? [1, false] : [0, true]);
  for (const check of checks) {
    const { consequence, detail, remedy } = check;
    expect(detail, check.name).not.toBe('');
    // A whole sentence each, with nothing in it that was to be filled in.
    const told = check.ok ? null : expect.stringMatching(/^[`A-Z/~r][^{}]+\.$/);
    expect({ name: check.name, consequence, remedy }).toEqual({
      name: check.name,
      consequence: told,
      remedy: told,
    });
    expect(`${consequence}${remedy}`).not.toContain('known how it is');
  }
}

/** The problem of an outcome; `well`: it has none. */
export function problemOf(outcome: Outcome): string {
  return 'problem' in outcome ? outcome.problem : 'well';
}
