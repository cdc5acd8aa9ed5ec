import { closeSync, fchownSync, readdirSync } from 'node:fs';
import { Socket } from 'node:net';
import type {
  LaunchedProcess,
  Launcher,
  LaunchRequest,
  ProcessEnd,
  TerminalSize,
} from '../launcher.ts';
import { quiet } from '../output-quiet.ts';
import { hasOwnProc } from '../own-proc.ts';
import type { StartedWith } from '../started-with.ts';
import { ignoreSignals } from './ignored-signals.ts';
import { F_GETFD, F_SETFD, FD_CLOEXEC, type Libc, loadLibc } from './libc.ts';
import { markingOf } from './marking.ts';
import { pipeOutput } from './pipe-output.ts';
import { openPipes, type Pipes } from './pipes.ts';
import { PseudoTerminal } from './pseudo-terminal.ts';
import type { Confined } from './sandboxed/confined.ts';
import { launchConfined } from './sandboxed/launch-confined.ts';
import { Slots } from './slots.ts';
import { type ChildPipes, pipeActions, terminalActions } from './spawn-actions.ts';
import { type MakeActions, type Spawned, Spawner } from './spawner.ts';

/** Launches at a time; the others wait, before anything is opened for them. */
const MAX_LAUNCHES = 64;

/** Whether this machine is of a kind that the launcher was written for. */
function canPosixSpawn(): boolean {
  return process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
}

/**
 * There is one, since it deals with what this process has one of: its children, its limits, and
 * what it was started with.
 */
let shared: Launcher | undefined;

/**
 * Launches through posix_spawn(3) of the C library, on a thread of the pool: the
 * event loop is not held up, and what a start costs does not depend on how much
 * memory the server has, since nothing of it is copied.
 *
 * @throws Error if this machine cannot do it
 */
export function posixSpawnLauncher(startedWith?: StartedWith): Launcher {
  if (!canPosixSpawn()) {
    throw new Error(`posix_spawn is not supported on ${process.platform}-${process.arch}`);
  }
  shared ??= createLauncher(loadLibc(), startedWith);
  return shared;
}

function createLauncher(libc: Libc, startedWith: StartedWith | undefined): Launcher {
  closeOnExec(libc);
  // Where nobody tells, the signals of this program are left to whoever it belongs to.
  const ignored = startedWith === undefined ? [] : ignoreSignals(libc, startedWith.ignored);
  const spawner = new Spawner(libc, { openFiles: startedWith?.openFiles, ignored });
  const slots = new Slots(MAX_LAUNCHES);
  return {
    name: 'posix_spawn',
    terminals: true,
    limits: spawner.limits,
    mergesStderr: true,
    bytes: true,
    // What runs in one is found by its numbers here, and by its marks if it is not.
    sandboxes: spawner.marks !== undefined && hasOwnProc(),
    tree: spawner.tree,
    marking: spawner.marks && markingOf(libc, spawner.marks),
    async launch(request) {
      try {
        if (request.limits !== undefined) spawner.assertCanLimit(request.limits);
      } catch (error) {
        await request.sandbox?.prepared.release();
        throw error;
      }
      return slots.use(() =>
        request.terminal === undefined
          ? launchOnPipes(libc, spawner, request)
          : launchOnTerminal(libc, spawner, request, request.terminal),
      );
    },
  };
}

/** A process that was launched, whatever it reads and writes. */
interface Child extends Pick<LaunchedProcess, 'pid' | 'kin' | 'network' | 'reaped' | 'sandbox'> {
  readonly end: Promise<ProcessEnd>;
}

/** `pipes` are those of a child in a sandbox; of another, its actions say what it has. */
async function launchChild(
  libc: Libc,
  spawner: Spawner,
  request: LaunchRequest,
  pipes: ChildPipes,
  actions: MakeActions,
): Promise<Child> {
  const { sandbox } = request;
  if (sandbox === undefined) return spawned(spawner, await spawner.spawn(request, actions));
  return confined(await launchConfined(libc, spawner, request, sandbox, pipes));
}

/** Of a child that reads what is open here. */
function sharedStdin({ stdin }: LaunchRequest): number | undefined {
  if (typeof stdin === 'object') return stdin.descriptor;
  return stdin === 'shared' ? 0 : undefined;
}

async function launchOnPipes(
  libc: Libc,
  spawner: Spawner,
  request: LaunchRequest,
): Promise<LaunchedProcess> {
  const pipes = openPipes(libc, {
    stdin: request.stdin === 'pipe',
    stderr: !request.mergeStderr,
  });
  const { stderr, stdin, stdout } = pipes;
  const all = [stdin, stdout, stderr].filter((pipe) => pipe !== undefined);
  try {
    // So that the user can open them by what they are called, /dev/stdout for one.
    if (request.user) for (const { child } of all) fchownSync(child, request.user.uid, -1);
    const childPipes = {
      stdin: sharedStdin(request) ?? stdin?.child,
      stdout: stdout.child,
      stderr: stderr?.child,
    };
    const child = await launchChild(libc, spawner, request, childPipes, (gate) =>
      pipeActions(libc, request.cwd, childPipes, gate),
    );
    return onPipes(child, pipes);
  } catch (error) {
    for (const pipe of all) closeSync(pipe.ours);
    throw error;
  } finally {
    for (const pipe of all) closeSync(pipe.child);
  }
}

/*
 * What is made of a child that was launched lives as long as it and longer. It is made apart
 * from the launch: functions that are made in one place keep alive whatever any of them uses
 * there, and the request, with the environment, must not outlive the launch.
 */

function spawned(spawner: Spawner, { kin, pid }: Spawned): Child {
  const reaped = (): boolean => !spawner.reaper.knows(pid);
  return { pid, kin, end: spawner.reaper.endOf(pid), reaped };
}

function confined(child: Confined): Child {
  const { end, kin, network, pid } = child;
  return { pid, kin, network, end, reaped: () => child.reaped(), sandbox: 'bubblewrap' };
}

function onPipes(child: Child, { stderr, stdin, stdout }: Pipes): LaunchedProcess {
  const output = {
    stdout: pipeOutput(stdout.ours),
    ...(stderr && { stderr: pipeOutput(stderr.ours) }),
  };
  return {
    ...child,
    stdin: stdin && new Socket({ fd: stdin.ours, readable: false, writable: true }),
    output,
    resize: undefined,
    exited: endOf(child, output),
  };
}

function onTerminal(child: Child, terminal: PseudoTerminal): LaunchedProcess {
  const output = { terminal: terminal.output };
  return {
    ...child,
    stdin: terminal.input,
    output,
    resize: (newSize) => terminal.resize(newSize),
    exited: endOf(child, output, () => terminal.leaderExited()),
  };
}

async function launchOnTerminal(
  libc: Libc,
  spawner: Spawner,
  request: LaunchRequest,
  size: TerminalSize,
): Promise<LaunchedProcess> {
  const terminal = new PseudoTerminal(libc, size, request.user?.uid);
  let slave: number | undefined;
  try {
    // Only a sandbox is handed it; others open it by what it is called, so that it becomes theirs.
    if (request.sandbox !== undefined) slave = terminal.openSlave();
    const childPipes = { stdin: slave, stdout: slave ?? -1, stderr: slave };
    const child = await launchChild(libc, spawner, request, childPipes, (gate) =>
      terminalActions(libc, request.cwd, terminal.path, gate),
    );
    return onTerminal(child, terminal);
  } catch (error) {
    terminal.output.destroy();
    throw error;
  } finally {
    if (slave !== undefined) closeSync(slave);
  }
}

/** Resolves when what the process wrote was read; `onReaped` is called when it has exited. */
async function endOf(
  child: Child,
  output: LaunchedProcess['output'],
  onReaped: () => void = () => {},
): Promise<ProcessEnd> {
  const end = await child.end;
  onReaped();
  await quiet(Object.values(output));
  return end;
}

/** What the server itself inherited is not the children's. All else is opened that way. */
function closeOnExec(libc: Libc): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    const flags = libc.fcntl(fd, F_GETFD, 0);
    if (fd > 2 && flags >= 0) libc.fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
}
