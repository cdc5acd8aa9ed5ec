import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../../support/harness.ts';
import { ROOT } from '../support.ts';

const run = promisify(execFile);

/** How long an installation, or the program, may take, in milliseconds: a bound for one that hangs. */
const TIMEOUT_MS = 240_000;

/** How a package comes into an empty project, and how a program of that is run. */
export interface Package {
  /** How the README marks the program. */
  readonly fence: string;
  /** What the program is called in the project. */
  readonly file: string;
  /** Commands of a shell in the project that install it; `$CLIENT` is the client's folder. */
  readonly install: string;
  /** Runs the program; the address of a server follows. */
  readonly program: readonly [string, ...string[]];
}

/** What a README shows first: a program, and what it prints. */
export interface FirstExample {
  readonly program: string;
  readonly prints: string;
}

/** Reads the first program of a client's README, and the output that follows it. */
export async function firstExample(folder: string, { fence }: Package): Promise<FirstExample> {
  const page = await readFile(join(ROOT, 'clients', folder, 'README.md'), 'utf8');
  const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].slice(0, 2);
  const [program, output] = blocks.map(([, language, text = '']) => ({ language, text }));
  if (program?.language !== fence || output?.language !== 'text') {
    throw new Error(`the README of ${folder} does not begin with a program and what it prints`);
  }
  return { program: program.text, prints: output.text };
}

/** Installs a package into an empty project, and runs a program there; returns what it prints. */
export async function runInEmptyProject(
  folder: string,
  { file, install, program }: Package,
  text: string,
  address: string,
): Promise<string> {
  const project = await temporaryFolder();
  const client = join(ROOT, 'clients', folder);
  const options = { cwd: project, timeout: TIMEOUT_MS, env: { ...process.env, CLIENT: client } };
  await writeFile(join(project, file), text);
  await run('sh', ['-euc', install], options);
  const [command, ...args] = program;
  const { stdout } = await run(command, [...args, address], options);
  return stdout;
}
