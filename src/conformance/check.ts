import type { CheckContext } from './context.ts';

/** What every requirement stands for, as the reason of a check that is skipped for it. */
export const REQUIREMENTS = {
  terminals: '`capabilities.terminals`: processes can have terminals',
  limits: '`capabilities.limits`: processes can have resource limits',
  merge_stderr: '`capabilities.merge_stderr`: standard error can be merged into standard output',
  bytes: '`capabilities.bytes`: arguments, variables and folders may be other bytes than UTF-8',
  users: '`capabilities.users`: processes can run as other users, of whom `nobody` is one',
  pipes: 'a `capabilities.launcher` other than `child_process`, which gives no pipes but sockets',
  trees:
    'a `capabilities.tree_tracking` that finds daemons, and the program setsid(1) on its machine',
  files:
    '`capabilities.files`: there is `FileService`, and the caller is granted `files`; and a folder that processes and the service may both use',
  roots: 'one of `capabilities.files.roots`: files are confined',
  unconfined: 'none of `capabilities.files.roots`: files are not confined',
  sandbox:
    '`capabilities.sandbox`: a mechanism, all of whose probes work; and a caller who is granted `start`',
  tunnels:
    '`capabilities.tunnels`: there is `TunnelService`, the caller is granted `tunnel`, and the loopback of its machine may be reached',
  unix_sockets: '`capabilities.tunnels.unix_sockets`: sockets of the file system can be reached',
  http: '`capabilities.http`: there is `HttpService`, through no proxy, and the caller is granted `http`',
  listeners: 'python3, perl or node on its machine, for a process that listens',
  stats:
    '`limits.max_principal_stats_streams`: there is `WatchStats`, and the caller is granted `observe`',
  heartbeats: 'a `limits.heartbeat_interval` of at most an eighth of the time that a check has',
} as const;

/** What a check needs that not every server has. Where it is missing the check is skipped. */
export type Requirement = keyof typeof REQUIREMENTS;

/** One thing that every implementation of the contract does. */
export interface Check {
  /** Its area and a number, `STDIN-04`. It is never given to another check. */
  readonly id: string;
  /** What a server does that passes, as a sentence without a period. */
  readonly title: string;
  /**
   * Where the contract says so: an element of the protos (`ProcessSpec.env`,
   * `ProcessService.Run`, `END_REASON_TIMED_OUT`, a message or an enum), or a place
   * in a page (`docs/sessions.md#fencing`).
   */
  readonly clause: string;
  /** What it needs of the server, one thing or several. Default: nothing. */
  readonly needs?: Requirement | readonly Requirement[];
  /**
   * Does the check.
   *
   * @throws ConformanceError that says what was expected and what came instead; any
   *   other error, that of a call for one, is a failure too
   */
  run(context: CheckContext): Promise<void>;
}
