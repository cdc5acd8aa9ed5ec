import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type Address, parseAddress } from '../../src/address.ts';
import { isOwnVariable } from '../../src/environment/env-policy.ts';
import { firstLinesOf } from './first-line.ts';
import { LAUNCHER, temporaryFolder } from './harness.ts';

/** What a server holds. */
export interface Holdings {
  /** Timers, sockets and the like that keep it alive, counted by kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** Open descriptors. */
  readonly descriptors: number;
  /** Children that ended and were not reaped. */
  readonly zombies: number;
  /** Resident bytes. */
  readonly rss: number;
  /** Processor time that it took so far but for these collections, in milliseconds. */
  readonly cpuMs: number;
}

/** `runlet serve`, as a process of its own. */
export interface Served {
  readonly address: Address;
  /** Where else it listens, as the flags say. */
  readonly others: readonly Address[];
  /** Where it tells metrics: a URL without its path; empty: nowhere. */
  readonly metrics: string;
  readonly child: ChildProcess;
  /** What it holds, after a garbage collection. */
  holdings(): Promise<Holdings>;
}

/** How long a server has to end what was started on it, in milliseconds. */
const SHUTDOWN_MS = 60_000;

/** Seconds that processes stay: longer than any test takes, however busy the machine. */
const RETENTION = 3_600;

/** The built program. */
export const MAIN = fileURLToPath(new URL('../../bundle/main.js', import.meta.url));

/** What is loaded into it, for a test to look at it and do things to it. */
export const PROBE = new URL('./probe.mjs', import.meta.url).href;

/** Starts the built program on a socket of its own; it ends when the test is over. */
export function serve(...flags: readonly string[]): Promise<Served> {
  return serveAs(undefined, ...flags);
}

/** Does so as another user, whom root alone can name. */
export async function serveAs(
  user: number | undefined,
  ...flags: readonly string[]
): Promise<Served> {
  const folder = await temporaryFolder();
  if (user !== undefined) await chown(folder, user, user);
  const listen = `unix:${join(folder, 'runlet.sock')}`;
  const launcher = LAUNCHER === undefined ? [] : ['--launcher', LAUNCHER];
  const state = ['--state-dir', join(folder, 'state')];
  const fixed = ['serve', '--listen', listen, '--log-level', 'error', ...state];
  // Of a server of another user this one is not let in otherwise.
  const allowed = user === undefined ? [] : ['--allow-uid', String(process.getuid?.())];
  const args = [...fixed, `--retention=${RETENTION}`, ...launcher, ...allowed, ...flags];
  // With variables of its own the server would replace itself, and the channel would be gone.
  const env = Object.entries(process.env).filter(([name]) => !isOwnVariable(name));
  const child = fork(MAIN, args, {
    env: Object.fromEntries(env),
    execArgv: ['--expose-gc', '--import', PROBE],
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    // It ends what was started on it. One that a test has stopped goes on for that.
    child.kill('SIGTERM');
    child.kill('SIGCONT');
    const kill = setTimeout(() => child.kill('SIGKILL'), SHUTDOWN_MS);
    await exited;
    clearTimeout(kill);
  });
  const count = args.filter((flag) => flag === '--listen').length;
  const measured = args.includes('--metrics') ? 1 : 0;
  const lines = await firstLinesOf(child, count + measured);
  const [address, ...others] = lines
    .slice(0, count)
    .map((line) => parseAddress(line.replace('runlet listening on ', '')));
  if (address === undefined) throw new Error('it listens nowhere');
  const metrics = (lines[count] ?? '').replace('runlet metrics on ', 'http://');
  return { address, others, metrics, child, holdings: () => holdingsOf(child) };
}

/** What a server holds but for memory, once that has stayed the same for some looks. */
export async function holdingsAtRest({ holdings }: Served): Promise<Holdings> {
  const kept = ({ descriptors, resources, zombies }: Holdings): string =>
    JSON.stringify([descriptors, zombies, Object.entries(resources).sort()]);
  let last = await holdings();
  for (let same = 0; same < 10; ) {
    const next = await holdings();
    same = kept(next) === kept(last) ? same + 1 : 0;
    last = next;
  }
  return last;
}

/** What the probe answers. */
type Answer = Pick<Holdings, 'cpuMs' | 'rss'> & { readonly resources: readonly string[] };

async function holdingsOf(child: ChildProcess): Promise<Holdings> {
  const answered = once(child, 'message') as Promise<[Answer]>;
  child.send('holdings');
  const [{ cpuMs, resources, rss }] = await answered;
  const counts: Record<string, number> = {};
  for (const kind of resources) counts[kind] = (counts[kind] ?? 0) + 1;
  const pid = child.pid ?? 0;
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  return { resources: counts, descriptors, zombies: zombiesOf(pid), rss, cpuMs };
}

/** The files of the modules of CommonJS that a server has loaded. */
export async function modulesOf({ child }: Served): Promise<readonly string[]> {
  const answered = once(child, 'message') as Promise<[{ readonly modules: readonly string[] }]>;
  child.send('modules');
  const [{ modules }] = await answered;
  return modules;
}

/** The files of all code that a server has loaded, chunks of the bundle included. */
export async function scriptsOf({ child }: Served): Promise<readonly string[]> {
  const answered = once(child, 'message') as Promise<[{ readonly scripts: readonly string[] }]>;
  child.send('scripts');
  const [{ scripts }] = await answered;
  return scripts;
}

function zombiesOf(parent: number): number {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return children.filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' && Number(ppid) === parent;
    } catch {
      return false;
    }
  }).length;
}
