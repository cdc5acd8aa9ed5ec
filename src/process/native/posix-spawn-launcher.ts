import { closeSync, constants, readdirSync } from 'node:fs';
import { Socket } from 'node:net';
import type { LaunchedProcess, Launcher, LaunchRequest, TerminalSize } from '../launcher.ts';
import { whenQuiet } from '../output-quiet.ts';
import { spawnStage, startFailure } from '../start-failure.ts';
import { ChildReaper } from './child-reaper.ts';
import { errnoNameOf } from './errno-name.ts';
import {
  F_GETFD,
  F_SETFD,
  FD_CLOEXEC,
  FILE_ACTIONS_SIZE,
  type Libc,
  loadLibc,
  O_CLOEXEC,
  POSIX_SPAWN_SETSID,
  POSIX_SPAWN_SETSIGDEF,
  POSIX_SPAWN_SETSIGMASK,
  SIGSET_SIZE,
  SPAWN_ATTRIBUTES_SIZE,
} from './libc.ts';
import { PseudoTerminal } from './pseudo-terminal.ts';
import { Slots } from './slots.ts';

/** Calls on threads at a time: koffi takes 256 and throws beyond; there are far fewer threads. */
const MAX_SPAWNS = 64;

/** A pipe: the end that the child has, and ours. */
interface Pipe {
  readonly child: number;
  readonly ours: number;
}

/** Whether this machine is of a kind that the launcher was written for. */
function canPosixSpawn(): boolean {
  return process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
}

/**
 * Launches through posix_spawn(3) of the C library, on a thread of the pool: the
 * event loop is not held up, and what a start costs does not depend on how much
 * memory the server has, since nothing of it is copied.
 *
 * @throws Error if this machine cannot do it
 */
export function posixSpawnLauncher(): Launcher {
  if (!canPosixSpawn()) {
    throw new Error(`posix_spawn is not supported on ${process.platform}-${process.arch}`);
  }
  const libc = loadLibc();
  closeOnExec(libc);
  const attributes = spawnAttributes(libc);
  const reaper = new ChildReaper(libc);
  const slots = new Slots(MAX_SPAWNS);
  return {
    name: 'posix_spawn',
    terminals: true,
    launch: (request) => slots.use(() => launch(libc, attributes, reaper, request)),
  };
}

async function launch(
  libc: Libc,
  attributes: Buffer,
  reaper: ChildReaper,
  request: LaunchRequest,
): Promise<LaunchedProcess> {
  if (request.terminal !== undefined) {
    return launchOnTerminal(libc, attributes, reaper, request, request.terminal);
  }
  const pipes = openPipes(libc, request.stdin === 'pipe');
  try {
    const pid = await spawn(libc, attributes, request, pipeActions(libc, request.cwd, pipes));
    return launched(reaper, pid, pipes);
  } catch (error) {
    for (const pipe of pipes) if (pipe !== undefined) closeSync(pipe.ours);
    throw error;
  } finally {
    for (const pipe of pipes) if (pipe !== undefined) closeSync(pipe.child);
  }
}

async function launchOnTerminal(
  libc: Libc,
  attributes: Buffer,
  reaper: ChildReaper,
  request: LaunchRequest,
  size: TerminalSize,
): Promise<LaunchedProcess> {
  const terminal = new PseudoTerminal(libc, size);
  try {
    const actions = terminalActions(libc, request.cwd, terminal.path);
    const pid = await spawn(libc, attributes, request, actions);
    return {
      pid,
      stdin: terminal.input,
      output: { terminal: terminal.output },
      resize: (newSize) => terminal.resize(newSize),
      exited: reaper.endOf(pid).then((end) => {
        terminal.leaderExited();
        return end;
      }),
    };
  } catch (error) {
    terminal.output.destroy();
    throw error;
  }
}

/**
 * Opened by the leader of a session that has none yet, it becomes the session's
 * controlling terminal: the session is made before these actions are done.
 */
function terminalActions(libc: Libc, cwd: string, path: string): Buffer {
  const actions = Buffer.alloc(FILE_ACTIONS_SIZE);
  libc.fileActionsInit(actions);
  libc.fileActionsAddOpen(actions, 0, path, constants.O_RDWR, 0);
  libc.fileActionsAddDup2(actions, 0, 1);
  libc.fileActionsAddDup2(actions, 0, 2);
  libc.fileActionsAddChdir(actions, cwd);
  return actions;
}

type Pipes = readonly [Pipe | undefined, Pipe, Pipe];

function launched(reaper: ChildReaper, pid: number, pipes: Pipes): LaunchedProcess {
  const [stdin, stdout, stderr] = pipes;
  const reading = ({ ours }: Pipe): Socket =>
    new Socket({ fd: ours, readable: true, writable: false });
  const output = { stdout: reading(stdout), stderr: reading(stderr) };
  const ended = reaper.endOf(pid);
  return {
    pid,
    stdin:
      stdin === undefined
        ? undefined
        : new Socket({ fd: stdin.ours, readable: false, writable: true }),
    output,
    resize: undefined,
    exited: ended.then(
      (end) =>
        new Promise((resolve) => {
          whenQuiet(Object.values(output), () => resolve(end));
        }),
    ),
  };
}

/** Resolves with the pid. The actions are done with then. */
function spawn(
  libc: Libc,
  attributes: Buffer,
  request: LaunchRequest,
  actions: Buffer,
): Promise<number> {
  const argv = [request.arg0, ...request.args, null];
  const envp = [...Array.from(request.env, ([name, value]) => `${name}=${value}`), null];
  const pid = [0];
  return new Promise((resolve, reject) => {
    const done = (error: unknown, errno: number): void => {
      libc.fileActionsDestroy(actions);
      if (error) reject(error);
      else if (errno !== 0) reject(spawnFailure(errno));
      else resolve(pid[0] ?? 0);
    };
    libc.posixSpawn.async(pid, request.program, actions, attributes, argv, envp, done);
  });
}

/** What the child does before it becomes the program: its folder, and its three descriptors. */
function pipeActions(libc: Libc, cwd: string, [stdin, stdout, stderr]: Pipes): Buffer {
  const actions = Buffer.alloc(FILE_ACTIONS_SIZE);
  libc.fileActionsInit(actions);
  if (stdin === undefined) {
    libc.fileActionsAddOpen(actions, 0, '/dev/null', constants.O_RDONLY, 0);
  } else {
    libc.fileActionsAddDup2(actions, stdin.child, 0);
  }
  libc.fileActionsAddDup2(actions, stdout.child, 1);
  libc.fileActionsAddDup2(actions, stderr.child, 2);
  libc.fileActionsAddChdir(actions, cwd);
  return actions;
}

/** A session of its own, default dispositions, an empty mask. The same for every child. */
function spawnAttributes(libc: Libc): Buffer {
  const attributes = Buffer.alloc(SPAWN_ATTRIBUTES_SIZE);
  const none = Buffer.alloc(SIGSET_SIZE);
  // Not by sigfillset(3): it leaves out two signals that glibc uses itself, and
  // posix_spawn would have the child ignore those.
  const all = Buffer.alloc(SIGSET_SIZE, 0xff);
  libc.attributesInit(attributes);
  libc.attributesSetSigmask(attributes, none);
  libc.attributesSetSigdefault(attributes, all);
  libc.attributesSetFlags(
    attributes,
    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF,
  );
  return attributes;
}

/** @throws RunletError `START_FAILED`, with none of them left open */
function openPipes(libc: Libc, withStdin: boolean): Pipes {
  const opened: number[] = [];
  const open = (): [number, number] => {
    const fds = [-1, -1];
    if (libc.pipe2(fds, O_CLOEXEC) !== 0) {
      const failure = spawnFailure(libc.errno());
      for (const fd of opened) closeSync(fd);
      throw failure;
    }
    opened.push(...fds);
    return [fds[0] ?? -1, fds[1] ?? -1];
  };
  const outward = (): Pipe => {
    const [ours, child] = open();
    return { ours, child };
  };
  let stdin: Pipe | undefined;
  if (withStdin) {
    const [child, ours] = open();
    stdin = { child, ours };
  }
  return [stdin, outward(), outward()];
}

/** What the server itself inherited is not the children's. All else is opened that way. */
function closeOnExec(libc: Libc): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    const flags = libc.fcntl(fd, F_GETFD, 0);
    if (fd > 2 && flags >= 0) libc.fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
}

function spawnFailure(errno: number): Error {
  const name = errnoNameOf(errno);
  return startFailure(spawnStage(name), name, `the process could not be created: ${name}`);
}
