import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../environment/env-policy.ts';
import type { ExitStatus, OutputStream, ResourceUsage } from '../output/event.ts';
import type { PreparedSandbox } from '../sandbox/prepared-sandbox.ts';
import type { SandboxMechanism } from '../sandbox/sandboxes.ts';
import type { ProcessScan, ScannedProcess } from './process-scan.ts';
import type { Delivery } from './signals.ts';
import type { RunUser } from './users/run-user.ts';

/** What to launch: everything resolved, nothing left to look up. */
export interface LaunchRequest {
  /** The path of the program. */
  readonly program: string;
  /** What the program sees as its own name. */
  readonly arg0: string;
  /** The arguments after the name. */
  readonly args: readonly string[];
  /** An absolute path. */
  readonly cwd: string;
  /** Its whole environment. */
  readonly env: Environment;
  /**
   * `closed`: it reads end-of-file at once; `shared`: it has the server's own; or it has a
   * descriptor, which stays open here. Means nothing with a terminal.
   */
  readonly stdin: 'closed' | 'pipe' | 'shared' | { readonly descriptor: number };
  /** Its standard error is the same pipe as its standard output. Means nothing with a terminal. */
  readonly mergeStderr: boolean;
  /** Its terminal, which takes the place of the pipes; undefined: none. */
  readonly terminal: TerminalSize | undefined;
  /** Undefined: the server's own. */
  readonly limits: ResourceLimits | undefined;
  /**
   * The user that it becomes by itself, whose its pipes and its terminal are from the start, as far
   * as the launcher can. Default: the server's.
   */
  readonly user?: RunUser;
  /** What it runs in: `program` and `cwd` are paths inside then. Default: as the server does. */
  readonly sandbox?: SandboxLaunch;
  /**
   * Aborts when nobody wants it any more: a child that does not become its program, since a
   * file system does not answer, is killed as far as the launcher can. The launch may succeed
   * all the same.
   */
  readonly signal?: AbortSignal;
}

/** What a process is launched in. */
export interface SandboxLaunch {
  readonly mechanism: SandboxMechanism;
  /** The filter of system calls, a compiled BPF program. */
  readonly filter: Uint8Array;
  /** A launcher that is asked to launch takes it over, and releases it in the end. */
  readonly prepared: PreparedSandbox;
  /** Makes of a request for what makes the sandbox one by which that runs as the user. */
  readonly asUser?: (request: LaunchRequest) => LaunchRequest;
}

/** What a process can be limited in; what counts is in the protos' `ResourceLimits`. */
export type LimitName =
  | 'openFiles'
  | 'processes'
  | 'addressSpaceBytes'
  | 'fileBytes'
  | 'coreBytes'
  | 'cpuSeconds';

/** What a process is limited to; absent: to what the server is. */
export type ResourceLimits = Readonly<Partial<Record<LimitName, number>>>;

/** The size of a terminal, in characters, each 1 to 65535. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * A process that was launched: the leader of a session and a group of its own,
 * so that its pid names the group too.
 */
export interface LaunchedProcess {
  readonly pid: number;
  /** Absent unless it is a pipe or a terminal. */
  readonly stdin: Writable | undefined;
  /**
   * What it writes, paused until someone listens. What a listener of `data` is given is
   * its own only until it returns.
   */
  readonly output: Readonly<Partial<Record<OutputStream, Readable>>>;
  /** Sets the size of its terminal, while that is open; absent: it has none. */
  readonly resize: ((size: TerminalSize) => void) | undefined;
  /**
   * Resolves when it was reaped. What the process wrote before is handed to the
   * listeners of `output` first, unless they paused it; what its descendants
   * write may follow.
   */
  readonly exited: Promise<ProcessEnd>;
  /** Whether it was reaped, which may be before `exited`: its number may be another's from then on. */
  reaped(): boolean;
  /** How what came of it can be told apart; undefined: the launcher cannot. */
  readonly kin: Kinship | undefined;
  /** What enforces the sandbox that it is in. Absent: it is in none. */
  readonly sandbox?: string;
  /** Its network, if that is its own. */
  readonly network?: ProcessNetwork | undefined;
}

/** A version of the internet protocol. */
export type IpVersion = 4 | 6;

/** The network namespace of a process, where that is not the server's. */
export interface ProcessNetwork {
  /**
   * Makes a socket in it: a descriptor, not connected, non-blocking, the caller's to close; or the
   * name of the error, `ESRCH` where it is gone. Never rejects.
   */
  openSocket(version: IpVersion): Promise<number | string>;
}

/** Tells what came of a process apart from what came of others, though their parents ended. */
export interface Kinship {
  /** Of the processes in a scan those that came of it, whose parent ended, and is this process now. */
  orphansIn(scan: ProcessScan): readonly ScannedProcess[];
  /** Of the same those that say no more of what they came: of any process that was launched. */
  unmarkedIn(scan: ProcessScan): readonly ScannedProcess[];
  /** Whether there is such a process at this moment. Needs no scan. */
  hasOrphans(): boolean;
  /** Sends a signal, by the machine's number, to all of them. Needs no scan. */
  signalOrphans(signal: number): readonly Delivery[];
  /** Whether an orphan of any process that was launched bears a group's number. Needs no scan. */
  hasOrphanIn(group: number): boolean;
  /**
   * Whether there may be such processes, of it or of another. If not, and it was reaped,
   * nothing is left that came of it. Costs little, whatever runs on the machine.
   */
  mayHaveOrphans(): Promise<boolean>;
  /** Kills it and all that came of it at once; undefined: they have to be killed one by one. */
  readonly kill: (() => void) | undefined;
  /** To be called when nothing is left of it. */
  release(): void;
}

/** What the system tells of a process that ended. */
export interface ProcessEnd {
  readonly status: ExitStatus;
  /** Undefined where the launcher cannot tell. */
  readonly usage: ResourceUsage | undefined;
}

/** The marks of one server, see launchers.md: numbers, from the first to the last. */
export interface MarkRange {
  readonly first: bigint;
  readonly last: bigint;
  /** Whether the server drew them among many: another that ran in the same place had others. */
  readonly isServersOwn: boolean;
}

/** How processes are found and signaled that another server launched, by their marks. */
export interface Marking {
  /** The marks of what this launcher launches, and of all that comes of it. */
  readonly range: MarkRange;
  /** The mark that any process has, whoever gave it; another number: none. Undefined: it is gone. */
  of(pid: number): bigint | undefined;
  /**
   * Sends a signal, by the machine's number, to the process that has a number now, if
   * `isMeant` says so: never to one that is given the number afterward, where the system can.
   */
  signal(pid: number, signal: number, isMeant: () => boolean): Delivery;
}

/** The way in which processes come to be. */
export interface Launcher {
  /** What `GetServerInfo` calls it. */
  readonly name: string;
  /** Whether it can give terminals. */
  readonly terminals: boolean;
  /** Whether it can limit processes. */
  readonly limits: boolean;
  /** Whether it can merge standard error into standard output. */
  readonly mergesStderr: boolean;
  /** Whether texts of a request may stand for other bytes than UTF-8, see `system-text.ts`. */
  readonly bytes: boolean;
  /** Whether it can launch in sandboxes. Default: it cannot. */
  readonly sandboxes?: boolean;
  /**
   * How descendants are found that left a process's group: by their parents alone; or
   * also, the server being their new parent, when these ended; or that, and each
   * tree is in a cgroup, by which it is killed.
   */
  readonly tree: 'cgroup' | 'subreaper' | 'parents';
  /** Absent: it marks nothing. */
  readonly marking?: Marking | undefined;
  /**
   * Launches a process. Nothing is asked for that it says it cannot do.
   *
   * @throws RunletError `START_FAILED`, or `INVALID_REQUEST` for a limit that is above the
   *   server's own; nothing of the process is left then, and its sandbox is released.
   */
  launch(request: LaunchRequest): Promise<LaunchedProcess>;
}
