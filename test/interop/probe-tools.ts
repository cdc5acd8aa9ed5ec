import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type GoTool, installGoTool, TOOLS_FOLDER } from '../../load/lib/go-tool.mjs';

const run = promisify(execFile);

/** The prober that Kubernetes and Docker health checks use. */
const HEALTH_PROBE: GoTool = {
  module: 'github.com/grpc-ecosystem/grpc-health-probe',
  version: 'v0.4.62',
  package: 'github.com/grpc-ecosystem/grpc-health-probe',
};

const GO_CLIENT = fileURLToPath(new URL('reflection-client', import.meta.url));
const PYTHON_CLIENT = fileURLToPath(new URL('reflection_client.py', import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
const VENV = fileURLToPath(new URL('../../.cache/reflection-venv', import.meta.url));

/** What a program ended with. */
export interface Ended {
  readonly code: number;
  /** Both of its outputs. */
  readonly text: string;
}

/** What a client found out by reflection alone. */
export interface Findings {
  readonly services: readonly string[];
  /** Numbers of the fields of ProcessSpec, by name. */
  readonly fields: Readonly<Record<string, number>>;
  /** The session id that it asked for, and that of the session that was made. */
  readonly answer: { readonly asked: string; readonly got: string };
}

/**
 * What of a toolchain is not there; undefined if all is. Where `CI` is `true` nothing may be
 * missing, and this throws.
 */
export async function missing(command: 'go' | 'python3'): Promise<string | undefined> {
  try {
    // Debian has the module that makes environments in a package of its own.
    await (command === 'go' ? run('go', ['version']) : run('python3', ['-c', 'import ensurepip']));
    return undefined;
  } catch (cause) {
    const what = `the command ${command}${command === 'python3' ? ' with its module venv' : ''}`;
    if (process.env['CI'] === 'true') throw new Error(`missing: ${what}`, { cause });
    return what;
  }
}

/** Installs grpc-health-probe, unless it was before, and returns how to run it. */
export async function healthProbe(): Promise<(...args: readonly string[]) => Promise<Ended>> {
  const program = await installGoTool(HEALTH_PROBE);
  return async (...args) => {
    const ended = run(program, args).then((out) => ({ code: 0, ...out }));
    const { code, stdout, stderr } = await ended.catch(
      (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => error,
    );
    return { code, text: `${stdout}${stderr}` };
  };
}

/** Builds the client in Go, and explores a server with it. */
export async function exploreWithGo(address: string): Promise<Findings> {
  const program = join(TOOLS_FOLDER, 'reflection-client');
  await run('go', ['build', '-o', program, '.'], { cwd: GO_CLIENT });
  const { stdout } = await run(program, [address]);
  return JSON.parse(stdout) as Findings;
}

/** Installs the packages of the client in Python, and explores a server with it. */
export async function exploreWithPython(address: string): Promise<Findings> {
  const python = join(VENV, 'bin', 'python');
  if (!(await hasPackages(python))) {
    await run('python3', ['-m', 'venv', '--clear', VENV]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', REQUIREMENTS]);
  }
  const { stdout } = await run(python, [PYTHON_CLIENT, address]);
  return JSON.parse(stdout) as Findings;
}

async function hasPackages(python: string): Promise<boolean> {
  try {
    const { stdout } = await run(python, ['-m', 'pip', 'freeze']);
    const installed = stdout.trim().split('\n');
    const wanted = (await readFile(REQUIREMENTS, 'utf8')).trim().split('\n');
    return wanted.every((line) => installed.includes(line));
  } catch {
    return false;
  }
}
