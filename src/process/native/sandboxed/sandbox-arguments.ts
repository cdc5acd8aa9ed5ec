import type { PreparedSandbox } from '../../../sandbox/prepared-sandbox.ts';
import type { SandboxMechanism } from '../../../sandbox/sandboxes-api.ts';
import { PASSED } from './passed-descriptors.ts';

/** Where the first process is inside. It is there for good, and can be read by whoever is inside. */
export const FIRST_PATH = '/.runlet-first';

/** The first version of bwrap(1) that can forbid namespaces of users inside. */
const DISABLES_USERNS = [0, 8] as const;

/** What bwrap(1) is told, but for the program and its own `--args`. */
export function sandboxArguments(
  { arguments: mounts, network }: PreparedSandbox,
  { version }: SandboxMechanism,
): readonly string[] {
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts'],
    '--unshare-cgroup-try',
    ...(network === 'host' ? [] : ['--unshare-net']),
    ...(isAtLeast(version, DISABLES_USERNS) ? ['--disable-userns'] : []),
    ...['--cap-drop', 'ALL'],
    // Process 1 is ours: bwrap's own would make of a signal an exit code.
    '--as-pid-1',
    ...['--seccomp', String(PASSED.filter)],
    // Before the others: the last of them may make the root read-only.
    ...['--perms', '0555', '--ro-bind-data', String(PASSED.first), FIRST_PATH],
    ...mounts,
  ];
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [has = 0, hasMinor = 0] = version.split('.').map(Number);
  return has > major || (has === major && hasMinor >= minor);
}
