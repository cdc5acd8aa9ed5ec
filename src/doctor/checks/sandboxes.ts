import { SANDBOX_CHECK_MS } from '../../limits.ts';
import type { ReadText } from '../../machine/read-text.ts';
import type { SandboxesFound } from '../../sandbox/sandboxes.ts';
import type { Check, Outcome } from '../check.ts';
import { REFUSED } from './bubblewrap.ts';

type Problem =
  | 'apparmor'
  | 'bubblewrap'
  | 'clone'
  | 'limit'
  | 'namespaces'
  | 'network'
  | 'part'
  | 'proc'
  | 'temporary';

/** Settings by which a machine forbids its users to make user namespaces, and how that is mended. */
const FORBIDDING = [
  { problem: 'clone', path: '/proc/sys/kernel/unprivileged_userns_clone', value: '0' },
  { problem: 'limit', path: '/proc/sys/user/max_user_namespaces', value: '0' },
  {
    problem: 'apparmor',
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    value: '1',
  },
] as const;

/** The step of what could not be made to try something in it. */
const UNMADE = 'sandbox';

/** Whether all works that sandboxes rely on, each part tried by what must fail and what must work. */
export function judgeSandboxes(
  found: SandboxesFound | undefined,
  read: ReadText,
): Outcome<Problem> {
  if (found === undefined) return { detail: 'they cannot be tried', problem: 'temporary' };
  const { probes, problems } = found;
  if (probes.some(({ name }) => name === 'mechanism')) {
    return { detail: 'there is nothing to try them with', problem: 'bubblewrap' };
  }
  const broken = probes.filter(({ works }) => !works);
  if (broken.length === 0) {
    return { detail: `these work: ${probes.map(({ name }) => name).join(', ')}` };
  }
  const told = broken.map(({ errnoName, name }) => {
    const errno = errnoName === '' ? '' : ` (${errnoName})`;
    return `${name}: ${problems[name] ?? ''}${errno}`;
  });
  const detail = `${broken.length} of ${probes.length} parts do not work: ${told.join('; ')}`;
  const names = broken.map(({ name }) => name).join();
  if (names === 'network') return { detail, problem: 'network' };
  if (names === 'proc') return { detail, problem: 'proc' };
  if (broken.every(({ step }) => step === 'prepare')) return { detail, problem: 'temporary' };
  const isUnmade = broken.length === probes.length && broken.every(({ step }) => step === UNMADE);
  if (!isUnmade) return { detail, problem: 'part' };
  const forbidding = FORBIDDING.find(({ path, value }) => read(path)?.trim() === value);
  return { detail, problem: forbidding?.problem ?? 'namespaces' };
}

export const sandboxes: Check<Problem> = {
  name: 'sandboxes',
  about:
    'whether each part of a sandbox works, by trying: namespaces, files, processes, its `/proc`, privileges, system calls, terminals and the network',
  required: false,
  elsewhere: 'bubblewrap',
  boundMs: SANDBOX_CHECK_MS,
  problems: {
    bubblewrap: { consequence: REFUSED, remedy: 'Mend `bubblewrap` first.' },
    clone: {
      consequence: REFUSED,
      remedy: 'Let users make user namespaces: `sysctl -w kernel.unprivileged_userns_clone=1`.',
    },
    limit: {
      consequence: REFUSED,
      remedy: 'Let users make user namespaces: `sysctl -w user.max_user_namespaces=15000`.',
    },
    apparmor: {
      consequence: REFUSED,
      remedy:
        'Let bwrap make user namespaces: a profile of AppArmor for `/usr/bin/bwrap` with `userns,`, or `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`.',
    },
    namespaces: {
      consequence: REFUSED,
      remedy:
        'Let the server make user namespaces and mounts where something forbids them: `RestrictNamespaces=` and `SystemCallFilter=` of a unit; `--security-opt seccomp=FILE` and `--security-opt apparmor=unconfined` of a container, whose default profiles do; a policy of SELinux.',
    },
    proc: {
      consequence: REFUSED,
      remedy:
        'Have all of `/proc` be seen where the server runs, since the kernel lets nobody mount another one where parts are covered: `--security-opt systempaths=unconfined` of a container, `procMount: Unmasked` of a pod, `ProtectKernelTunables=no` of a unit.',
    },
    network: {
      consequence:
        'Processes in a sandbox with `SANDBOX_NETWORK_NONE`, the default, are refused with `SANDBOX_UNAVAILABLE`. Those with `SANDBOX_NETWORK_HOST` work.',
      remedy:
        'Let the server make network namespaces with a loopback interface: `sysctl -w user.max_net_namespaces=15000`, `RestrictNamespaces=` and `RestrictAddressFamilies=AF_NETLINK` of a unit.',
    },
    temporary: { consequence: REFUSED, remedy: 'Mend `temporary-folder` first.' },
    part: {
      consequence: REFUSED,
      remedy:
        'Use Linux 5.11 or later and a bubblewrap of your distribution, and look at what the detail names. Where it says that something must fail, the sandbox would not hold: report that as a fault of runlet.',
    },
  },
  look: async ({ read, sandboxes: found }) => judgeSandboxes(await found(), read),
};
