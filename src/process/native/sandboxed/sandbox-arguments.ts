import type { PreparedSandbox } from '../../../sandbox/prepared-sandbox.ts';
import type { SandboxMechanism } from '../../../sandbox/sandboxes.ts';
import { terminated } from '../../../system-text.ts';
import { PASSED } from './passed-descriptors.ts';

/** What bwrap(1) is told, but for the program and its own `--args`: with a NUL after each. */
export function sandboxArguments(
  { arguments: mounts, network }: PreparedSandbox,
  { disablesUserNamespaces }: SandboxMechanism,
): string {
  const options = [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts'],
    '--unshare-cgroup-try',
    ...(network === 'host' ? [] : ['--unshare-net']),
    ...(disablesUserNamespaces ? ['--disable-userns'] : []),
    ...['--cap-drop', 'ALL'],
    // Process 1 is ours: bwrap's own would make of a signal an exit code.
    '--as-pid-1',
    ...['--seccomp', String(PASSED.filter)],
  ];
  return terminated(options) + mounts;
}
