import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { FileWorkers } from '../../src/files/workers/file-workers.ts';
import { threadLinks } from '../../src/files/workers/thread-link.ts';
import { Placeholders } from '../../src/sandbox/placeholders.ts';
import { type PrepareSandboxOptions, prepareSandbox } from '../../src/sandbox/prepare-sandbox.ts';
import {
  FIRST_PREPARED_DESCRIPTOR,
  FIRST_PROCESS_DESCRIPTOR,
  type PreparedSandbox,
} from '../../src/sandbox/prepared-sandbox.ts';
import type { SandboxAccess, SandboxRule, SandboxSpec } from '../../src/sandbox/sandbox-spec.ts';

/** A rule of the path or the place with this name. */
export function rule(access: SandboxAccess, at: string, missingOk = false): SandboxRule {
  const place = ['platform', 'cwd', 'temp', 'root'].find((name) => name === at);
  if (place === undefined) return { at: { path: at }, access, missingOk };
  return { at: { place } as SandboxRule['at'], access, missingOk };
}

/** A sandbox of these rules, each list a layer. */
export function sandboxOf(...layers: readonly (readonly SandboxRule[])[]): SandboxSpec {
  return {
    profile: '',
    layers: layers.map((rules) => ({ rules, network: 'none' })),
    cwd: undefined,
  };
}

/** What makes sandboxes, for the rest of the test. */
export interface Maker {
  readonly workers: FileWorkers;
  readonly placeholders: Placeholders;
  readonly errors: unknown[];
  prepare(spec: SandboxSpec, options?: Partial<PrepareSandboxOptions>): Promise<PreparedSandbox>;
}

/** @param records the folder of records of what has to be removed */
export function sandboxMaker(records?: string): Maker {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const open = threadLinks({ roots: [], records });
  const workers = new FileWorkers({ open, clock: systemClock, onError });
  const placeholders = new Placeholders(workers, onError);
  onTestFinished(() => workers.close());
  return {
    workers,
    placeholders,
    errors,
    async prepare(spec, options = {}) {
      const asker = { principal: 'a', asker: 'a' };
      const made = await prepareSandbox(spec, {
        ...{ workers, placeholders, asker, cwd: undefined },
        ...options,
      });
      onTestFinished(() => made.release());
      return made;
    },
  };
}

/** What came of a program in a sandbox. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/**
 * Runs a shell in a sandbox, as its first process.
 *
 * @param script for sh(1); what it is made of has to be visible
 */
export async function runInside(
  prepared: PreparedSandbox,
  script: string,
  { uid }: { readonly uid?: number | undefined } = {},
): Promise<Ended> {
  const options = [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net'],
    ...['--cap-drop', 'ALL', '--disable-userns', ...prepared.arguments.split('\0').slice(0, -1)],
    ...['--', '/bin/sh', '-c', script],
  ];
  const [program = '', ...args] =
    uid === undefined
      ? ['bwrap', ...options]
      : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', 'bwrap', ...options];
  const first = openSync('/bin/true', 'r');
  const stdio = Array.from({ length: FIRST_PREPARED_DESCRIPTOR }, (_, number) => {
    if (number === FIRST_PROCESS_DESCRIPTOR) return first;
    return number === 1 || number === 2 ? 'pipe' : 'ignore';
  });
  const child = spawn(program, args, {
    stdio: [...stdio, ...prepared.descriptors],
    cwd: '/',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  });
  closeSync(first);
  prepared.closeDescriptors();
  const read = async (stream: NodeJS.ReadableStream | null): Promise<string> => {
    let text = '';
    for await (const chunk of stream ?? []) text += String(chunk);
    return text;
  };
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('close', (code) => resolve(code));
    child.once('error', reject);
  });
  const [stdout, stderr, code] = await Promise.all([
    read(child.stdout),
    read(child.stderr),
    exited,
  ]);
  return { stdout, stderr, code };
}
