import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { errnoNameOf } from '../../../errno-name.ts';
import { RunletError } from '../../../errors.ts';
import type { FirstMessage } from '../../../sandbox/first/first-messages.ts';
import { firstProgram } from '../../../sandbox/first/first-program.ts';
import { encodeOrder } from '../../../sandbox/first/order.ts';
import { sandboxUnavailable } from '../../../sandbox/sandbox-failure.ts';
import { bytesOfText } from '../../../system-text.ts';
import type { Kinship, LaunchRequest, ProcessEnd, SandboxLaunch } from '../../launcher.ts';
import { signalProcess } from '../../signals.ts';
import { limitFailure, spawnFailure, startFailure } from '../../start-failure.ts';
import { AF_UNIX, type Libc, O_CLOEXEC, SOCK_CLOEXEC, SOCK_STREAM } from '../libc.ts';
import type { KernelLimit } from '../resource-limits.ts';
import type { ChildPipes } from '../spawn-actions.ts';
import type { Spawner } from '../spawner.ts';
import { Confined } from './confined.ts';
import { FirstConnection } from './first-connection.ts';
import { childrenOf, findInside, type Inside } from './inside.ts';
import { memoryFile, noDescriptor } from './memory-file.ts';
import { MonitorMessages, sandboxFailed, sandboxStartFailure } from './monitor-messages.ts';
import { PASSED, type Passed, passing } from './passed-descriptors.ts';
import { sandboxArguments } from './sandbox-arguments.ts';

const { SIGKILL } = constants.signals;

/** How long what is left of a start is looked for after it was killed, and how often, in milliseconds. */
const SETTLE_MS = 5000;
const SETTLE_POLL_MS = 2;

/** How often what has begun is looked for where it cannot be found at once, in milliseconds. */
const FIND_POLL_MS = 10;

/**
 * Launches a program in a sandbox, which is taken over. Its pipes, or its terminal, are
 * descriptors of the caller's.
 *
 * @throws RunletError `START_FAILED`, with nothing left of it
 */
export async function launchConfined(
  libc: Libc,
  spawner: Spawner,
  request: LaunchRequest,
  sandbox: SandboxLaunch,
  pipes: ChildPipes,
): Promise<Confined> {
  try {
    const monitor = await startMonitor(libc, spawner, request, sandbox, pipes);
    return await begin(libc, spawner, request, sandbox, monitor);
  } catch (error) {
    await sandbox.prepared.release();
    throw error;
  }
}

/** What makes a sandbox, and stays until that is over. */
interface Monitor {
  readonly pid: number;
  readonly kin: Kinship;
  readonly end: Promise<ProcessEnd>;
  readonly connection: FirstConnection;
  readonly messages: MonitorMessages;
}

async function startMonitor(
  libc: Libc,
  spawner: Spawner,
  request: LaunchRequest,
  sandbox: SandboxLaunch,
  pipes: ChildPipes,
): Promise<Monitor> {
  /** To be closed when it has its own. */
  const opened: number[] = [];
  /** The descriptor of our end of the socket, until a connection has it. */
  let ours: number | undefined;
  let messages: MonitorMessages | undefined;
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  try {
    const [server, first] = pair(libc, (fds) => libc.socketpair(AF_UNIX, SOCK, 0, fds));
    keep(first);
    ours = server;
    const [from, to] = pair(libc, (fds) => libc.pipe2(fds, O_CLOEXEC));
    keep(to);
    messages = new MonitorMessages(from);
    const limits = spawner.limitsFor(request.limits);
    const told = { first, messages: to, limits };
    const passed = passedBy(libc, request, sandbox, pipes, told, keep);
    const { kin, pid } = await passing(libc, passed, (actions) =>
      spawner.spawn(monitorRequest(request, sandbox), actions, 'monitor'),
    ).catch((error: unknown) => {
      throw aboutMonitor(error);
    });
    const end = spawner.reaper.endOf(pid);
    if (kin === undefined) throw new Error('what comes of it could not be told apart');
    // Only now: what is made of it takes a while, and so does the sandbox.
    ours = undefined;
    const connection = new FirstConnection(server);
    return { pid, kin, end, connection, messages };
  } catch (error) {
    if (ours !== undefined) closeSync(ours);
    messages?.close();
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
    sandbox.prepared.closeDescriptors();
  }
}

const SOCK = SOCK_STREAM | SOCK_CLOEXEC;

function pair(libc: Libc, open: (fds: number[]) => number): [number, number] {
  const fds = [-1, -1];
  if (open(fds) !== 0) throw noDescriptor(errnoNameOf(libc.errno()));
  return [fds[0] ?? -1, fds[1] ?? -1];
}

/** What the order and descriptors say that are made for one start. */
interface Told {
  readonly first: number;
  readonly messages: number;
  readonly limits: readonly KernelLimit[];
}

/** What bwrap is given, by the numbers that it is to have. */
function passedBy(
  libc: Libc,
  { arg0, args, cwd, env, program, terminal }: LaunchRequest,
  { filter, mechanism, prepared }: SandboxLaunch,
  { stderr, stdin, stdout }: ChildPipes,
  { first, limits, messages }: Told,
  keep: (fd: number) => number,
): Passed {
  const binary = firstProgram();
  if (binary === undefined) throw sandboxUnavailable('mechanism', '', 'not on such a machine');
  const lastDescriptor = PASSED.prepared + prepared.descriptors.length - 1;
  const hasTerminal = terminal !== undefined;
  const order = { arg0, args, cwd, env, program, hasTerminal, lastDescriptor, limits };
  const told = bytesOfText(sandboxArguments(prepared, mechanism));
  const memory = (content: Uint8Array): number => keep(memoryFile(libc, 'runlet-sandbox', content));
  return new Map([
    [PASSED.messages, messages],
    [PASSED.server, first],
    [PASSED.order, memory(encodeOrder(order))],
    [PASSED.stdin, stdin ?? keep(openSync('/dev/null', 'r'))],
    [PASSED.stdout, stdout],
    [PASSED.stderr, stderr ?? stdout],
    [PASSED.arguments, memory(told)],
    [PASSED.first, memory(binary)],
    [PASSED.filter, memory(filter)],
    ...prepared.descriptors.map((fd, index) => [PASSED.prepared + index, fd] as const),
  ]);
}

/**
 * bwrap runs outside of the sandbox: nothing of the program's environment may be its own, and what
 * everyone can read of a process, its arguments, tells nothing of the policy.
 */
function monitorRequest(request: LaunchRequest, sandbox: SandboxLaunch): LaunchRequest {
  const { signal, terminal } = request;
  const plain: LaunchRequest = {
    program: sandbox.mechanism.program,
    arg0: 'bwrap',
    args: ['--args', String(PASSED.arguments), '--', sandbox.prepared.first],
    cwd: '/',
    // What it says is read.
    env: new Map([['LC_ALL', 'C']]),
    stdin: 'closed',
    mergeStderr: false,
    terminal,
    limits: undefined,
    ...(signal && { signal }),
  };
  return sandbox.asUser?.(plain) ?? plain;
}

/** An error of the program that is executed is one of bwrap here. */
function aboutMonitor(error: unknown): unknown {
  const failure = error instanceof RunletError ? error.details.startFailure : undefined;
  if (failure?.stage !== 'PROGRAM') return error;
  return sandboxStartFailure('mechanism', failure.errnoName, `bwrap: ${failure.errnoName}`);
}

/** Waits until the program has begun. */
async function begin(
  libc: Libc,
  spawner: Spawner,
  request: LaunchRequest,
  { prepared }: SandboxLaunch,
  monitor: Monitor,
): Promise<Confined> {
  const { connection, end, kin, messages } = monitor;
  // Nothing begins inside where nobody listens.
  const giveUp = (): void => connection.close();
  request.signal?.addEventListener('abort', giveUp);
  const failed = async (): Promise<Error> => {
    request.signal?.throwIfAborted();
    // It tells before it ends; if it is only its first process that is gone, it ends too.
    return sandboxFailed(libc, await messages.whole());
  };
  try {
    request.signal?.throwIfAborted();
    const message = await connection.next();
    if (message?.kind === 'failed') throw insideFailure(message);
    if (message?.kind !== 'started') throw await failed();
    const inside = await foundInside(monitor);
    if (inside === undefined) throw await failed();
    connection.unref();
    return new Confined({ libc, inside, connection, prepared, kin, monitorEnd: end });
  } catch (error) {
    connection.close();
    await endMonitor(spawner, monitor);
    throw error;
  } finally {
    request.signal?.removeEventListener('abort', giveUp);
    messages.close();
  }
}

/**
 * Finds what runs, which is there until it is collected; undefined: somebody killed it. It may be
 * that this process has no descriptor left to look for it, for a moment: what has begun is not ended
 * for that.
 */
async function foundInside({ connection, pid }: Monitor): Promise<Inside | undefined> {
  for (;;) {
    const inside = await findInside(pid);
    if (inside !== undefined || connection.over) return inside;
    await pause(FIND_POLL_MS);
  }
}

function insideFailure({
  errno,
  stage,
}: Extract<FirstMessage, { readonly kind: 'failed' }>): RunletError {
  const name = errnoNameOf(errno);
  switch (stage) {
    case 'cwd':
      return startFailure('CWD', name, `cannot start in the working directory: ${name}`);
    case 'limits':
      return limitFailure(name);
    case 'terminal':
      return startFailure('TERMINAL', name, `the terminal could not be given: ${name}`);
    case 'program':
      return spawnFailure(name);
  }
}

/** Kills what a start that failed has made, at whatever it was. */
async function endMonitor(spawner: Spawner, { end, kin, pid }: Monitor): Promise<void> {
  kin.kill?.();
  if (spawner.reaper.knows(pid)) {
    // First what is below it: a half that is made alone waits for the other one for ever.
    for (const child of childrenOf(pid) ?? []) signalProcess(child, SIGKILL);
    signalProcess(pid, SIGKILL);
  }
  await end;
  const since = performance.now();
  while (kin.hasOrphans() && performance.now() - since < SETTLE_MS) {
    kin.signalOrphans(SIGKILL);
    await pause(SETTLE_POLL_MS);
  }
  kin.release();
}
