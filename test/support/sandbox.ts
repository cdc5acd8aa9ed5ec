import { existsSync } from 'node:fs';
import type { SandboxLaunch } from '../../src/process/launcher.ts';
import type { PreparedSandbox } from '../../src/sandbox/prepared-sandbox.ts';
import type { SandboxNetwork, SandboxSpec } from '../../src/sandbox/sandbox-spec.ts';
import type { PrepareOptions, Sandboxes, SandboxMechanism } from '../../src/sandbox/sandboxes.ts';
import { terminated } from '../../src/system-text.ts';

const BWRAP = '/usr/bin/bwrap';

/** A filter that lets everything through: `BPF_RET | BPF_K`, `SECCOMP_RET_ALLOW`. */
const ALLOW_ALL = Uint8Array.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]);

/** What programs need, without looking at any policy. */
const PLATFORM: readonly string[] = [
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
function preparedSandbox({ descriptors = [], more = [], ...rest }: Wanted = {}) {
  let released = 0;
  const prepared: PreparedSandbox = {
    network: rest.network ?? 'none',
    hasTemp: true,
    accessAt: (path) => (/^\/(usr|bin|sbin|lib|lib64|etc)(\/|$)/.test(path) ? 'read' : 'none'),
    arguments: terminated([
      ...['--perms', '0555', '--file', '9', '/.runlet-first'],
      ...PLATFORM,
      ...more,
      ...['--remount-ro', '/'],
    ]),
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
  return { mechanism: mechanismOf(wanted), filter: ALLOW_ALL, prepared, released };
}

function mechanismOf({ program = BWRAP }: Wanted): SandboxMechanism {
  return { program, version: '0.8.0', disablesUserNamespaces: true };
}

/** Skips a test where there is nothing that makes sandboxes. */
export const hasBwrap = existsSync(BWRAP);

/** A sandbox as it is asked for that says nothing: what comes of it says {@link handSandboxes}. */
export const ANY_SANDBOX: SandboxSpec = {
  profile: '',
  layers: [{ rules: [], network: 'none' }],
  cwd: undefined,
};

/** The sandboxes of a server, each of which is written by hand. */
export function handSandboxes(wanted: Wanted & { readonly required?: boolean } = {}) {
  const asked: PrepareOptions[] = [];
  const made: (() => number)[] = [];
  const sandboxes: Sandboxes = {
    profiles: new Map(),
    required: wanted.required ?? false,
    facts: async () => ({ mechanism: 'bubblewrap', version: '0.8.0', probes: [] }),
    mechanism: async () => mechanismOf(wanted),
    filter: () => ALLOW_ALL,
    async prepare(_spec, options) {
      asked.push(options);
      const { prepared, released } = preparedSandbox(wanted);
      made.push(released);
      return prepared;
    },
  };
  return { asked, sandboxes, released: () => made.map((released) => released()) };
}
