import { existsSync } from 'node:fs';
import type { SandboxLaunch } from '../../src/process/launcher.ts';
import type { PreparedSandbox } from '../../src/sandbox/prepared-sandbox.ts';
import type { SandboxNetwork } from '../../src/sandbox/sandbox-spec.ts';

export const BWRAP = '/usr/bin/bwrap';

/** A filter that lets everything through: `BPF_RET | BPF_K`, `SECCOMP_RET_ALLOW`. */
export const ALLOW_ALL = Uint8Array.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]);

/** What programs need, without looking at any policy. */
export const PLATFORM: readonly string[] = [
  ...['--ro-bind', '/usr', '/usr'],
  ...['/bin', '/sbin', '/lib', '/lib64'].flatMap((path) =>
    existsSync(path) ? ['--symlink', `usr${path}`, path] : [],
  ),
  ...['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', '--dev', '/dev'],
  ...['--perms', '1777', '--tmpfs', '/tmp'],
];

interface Wanted {
  /** After those of the platform. */
  readonly more?: readonly string[];
  readonly descriptors?: readonly number[];
  readonly network?: SandboxNetwork;
  readonly program?: string;
  readonly onRelease?: () => void;
}

/** A sandbox that sees the platform, and what a test adds. */
export function preparedSandbox({ descriptors = [], more = [], ...rest }: Wanted = {}) {
  let released = 0;
  const prepared: PreparedSandbox = {
    network: rest.network ?? 'none',
    hasTemp: true,
    accessAt: (path) => (/^\/(usr|bin|sbin|lib|lib64|etc)(\/|$)/.test(path) ? 'read' : 'none'),
    arguments: [
      ...['--perms', '0555', '--ro-bind-data', '9', '/.runlet-first'],
      ...PLATFORM,
      ...more,
      ...['--remount-ro', '/'],
    ],
    first: '/.runlet-first',
    descriptors,
    closeDescriptors: () => {},
    async release() {
      released += 1;
      rest.onRelease?.();
    },
  };
  return { prepared, released: () => released };
}

/** The same, to be launched in. */
export function sandboxLaunch(wanted: Wanted = {}): SandboxLaunch & { released: () => number } {
  const { prepared, released } = preparedSandbox(wanted);
  const mechanism = {
    program: wanted.program ?? BWRAP,
    version: '0.8.0',
    disablesUserNamespaces: true,
    boundsSize: true,
  };
  return { mechanism, filter: ALLOW_ALL, prepared, released };
}

/** Skips a test where there is nothing that makes sandboxes. */
export const hasBwrap = existsSync(BWRAP);
