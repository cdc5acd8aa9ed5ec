import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../environment/env-policy.ts';
import type { ExitStatus, OutputStream, ResourceUsage } from '../output/event.ts';

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
  /** `closed`: it reads end-of-file at once. Means nothing with a terminal. */
  readonly stdin: 'closed' | 'pipe';
  /** Its terminal, which takes the place of the pipes; undefined: none. */
  readonly terminal: TerminalSize | undefined;
}

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
  /** What it writes, paused until someone listens. */
  readonly output: Readonly<Partial<Record<OutputStream, Readable>>>;
  /** Sets the size of its terminal, while that is open; absent: it has none. */
  readonly resize: ((size: TerminalSize) => void) | undefined;
  /**
   * Resolves when it was reaped. What the process wrote before is handed to the
   * listeners of `output` first, unless they paused it; what its descendants
   * write may follow.
   */
  readonly exited: Promise<ProcessEnd>;
}

/** What the system tells of a process that ended. */
export interface ProcessEnd {
  readonly status: ExitStatus;
  /** Undefined where the launcher cannot tell. */
  readonly usage: ResourceUsage | undefined;
}

/** The way in which processes come to be. */
export interface Launcher {
  /** What `GetServerInfo` calls it. */
  readonly name: string;
  /** Whether it can give terminals. */
  readonly terminals: boolean;
  /**
   * Launches a process.
   *
   * @throws RunletError `START_FAILED`; nothing of the process is left then.
   */
  launch(request: LaunchRequest): Promise<LaunchedProcess>;
}
