import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunTool } from '../../process/users/run-tool.ts';
import { bubblewrapError } from '../bubblewrap-error.ts';
import type { Bubblewrap } from '../find-bubblewrap.ts';
import { procArguments } from '../proc-arguments.ts';
import { type ActFailure, errnoNameOfError, failedAct } from './act-lines.ts';
import { ACTS_PROGRAMS } from './acts-program.ts';

/** What is tried, in the order in which it is told. All but the network every sandbox relies on. */
export const PROBE_NAMES = [
  'namespaces',
  'files',
  'processes',
  'proc',
  'privileges',
  'system_calls',
  'terminal',
  'network',
] as const;

/** The name of a probe, as `capabilities.sandbox` has it. */
export type ProbeName = (typeof PROBE_NAMES)[number];

/** What came of a probe. */
export interface ProbeResult {
  readonly name: ProbeName;
  /** Undefined: it works. */
  readonly failure: ActFailure | undefined;
}

/** What probes are made with. */
export interface ProbeTools {
  readonly bubblewrap: Bubblewrap;
  /** The path of a shell that root alone can change. */
  readonly shell: string;
  /** The filter of system calls, as bwrap(1) takes it. */
  readonly filter: Uint8Array;
  readonly run: RunTool;
}

/** The step of what was ended. */
const HUNG = 'time';

/** Where acts.c is in a sandbox. */
const ACTS = '/.runlet-acts';

/**
 * Opens for bwrap(1) what it reads, and becomes it. Its messages go where the acts write, in which
 * they can be told apart; and its number is said to what is inside.
 */
const BECOME_BWRAP = `cd "$1" && exec 6<read 7<write 8<acts 9<filter 2>&1 || exit 1
shift && exec "$@" "$$"`;

/** What some of them have beside what all have. */
const PARTS: Readonly<Partial<Record<ProbeName, () => readonly string[]>>> = {
  proc: procArguments,
  terminal: () => ['--dev', '/dev'],
  network: () => ['--unshare-net'],
};

/**
 * Tries what sandboxes rely on, each part in a sandbox that has nothing but what it needs, by acts
 * that have to fail and acts that have to work there: in bounded time, some milliseconds on a
 * machine on which all works. Never rejects.
 */
export async function probe(tools: ProbeTools): Promise<readonly ProbeResult[]> {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(tmpdir(), 'runlet-sandbox-'));
    await fill(folder, tools.filter);
    const results: ProbeResult[] = [];
    // What took too long once is not waited for again.
    let hung: ActFailure | undefined;
    for (const name of PROBE_NAMES) {
      const failure = hung ?? (await tryOne(tools, folder, name).catch(failureOf));
      if (failure?.step === HUNG) hung = failure;
      results.push({ name, failure });
    }
    return results;
  } catch (error) {
    return PROBE_NAMES.map((name) => ({ name, failure: failureOf(error) }));
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

/** What could not even be tried. */
function failureOf(error: unknown): ActFailure {
  const problem = error instanceof Error ? error.message : String(error);
  return { step: 'prepare', errnoName: errnoNameOfError(error), problem };
}

async function fill(folder: string, filter: Uint8Array): Promise<void> {
  await writeFile(join(folder, 'acts'), Buffer.from(ACTS_PROGRAMS[process.arch] ?? '', 'base64'));
  await writeFile(join(folder, 'filter'), filter);
  for (const name of ['read', 'write']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'read', 'there'), '');
  await writeFile(join(folder, 'write', 'readable'), '');
  await writeFile(join(folder, 'write', 'unreadable'), '');
  await chmod(join(folder, 'write', 'unreadable'), 0);
}

async function tryOne(
  tools: ProbeTools,
  folder: string,
  name: ProbeName,
): Promise<ActFailure | undefined> {
  if (name === 'network') return tryNetwork(tools, folder);
  const failure = await act(tools, folder, name);
  if (failure !== undefined || name !== 'files') return failure;
  return whatFilesShow(folder);
}

/** What the acts of files have done, looked at from outside. */
async function whatFilesShow(folder: string): Promise<ActFailure | undefined> {
  const there = await readdir(join(folder, 'read'));
  if (there.length !== 1) return { step: 'create', errnoName: '', problem: 'it must fail' };
  const written = await readFile(join(folder, 'write', 'created'), 'latin1').catch(() => '');
  if (written === 'x') return undefined;
  return { step: 'write', errnoName: '', problem: 'what was written is not there' };
}

/** At a port where this program listens, and which nobody must reach. */
async function tryNetwork(tools: ProbeTools, folder: string): Promise<ActFailure | undefined> {
  let reached = false;
  const listener = createServer((socket) => {
    reached = true;
    socket.destroy();
  });
  try {
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(0, '127.0.0.1', resolve);
    });
    const { port } = listener.address() as AddressInfo;
    const failure = await act(tools, folder, 'network', String(port));
    if (failure !== undefined || !reached) return failure;
    return { step: 'connect', errnoName: '', problem: 'it must fail' };
  } finally {
    listener.close();
  }
}

/**
 * Does the acts of a probe in a sandbox. Their last argument is a number: what is said, or that of
 * the process that bwrap(1) is outside.
 */
async function act(
  { bubblewrap, run, shell }: ProbeTools,
  folder: string,
  name: ProbeName,
  ...said: readonly string[]
): Promise<ActFailure | undefined> {
  const { code, stdout } = await run(shell, [
    ...['-c', BECOME_BWRAP, 'sh', folder, bubblewrap.program, '--unshare-user'],
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts'],
    ...['--unshare-cgroup-try', '--cap-drop', 'ALL', '--as-pid-1', '--die-with-parent'],
    ...(bubblewrap.disablesUserNamespaces ? ['--disable-userns'] : []),
    ...['--perms', '0555', '--ro-bind-data', '8', ACTS, '--seccomp', '9'],
    ...['--ro-bind-fd', '6', '/read', '--bind-fd', '7', '/write'],
    ...(PARTS[name]?.() ?? []),
    ...['--remount-ro', '/', '--', ACTS, name, ...said],
  ]);
  const { errnoName, message } = bubblewrapError(stdout);
  if (message !== '') return { step: 'sandbox', errnoName, problem: message };
  if (code === undefined)
    return { step: HUNG, errnoName: '', problem: 'it took too long, or was killed' };
  if (code !== 0) return { step: 'end', errnoName: '', problem: `it exited with ${code}` };
  return failedAct(stdout);
}
