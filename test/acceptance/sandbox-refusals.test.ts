import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAddress } from '../../src/address.ts';
import { SandboxAccess, SandboxNetwork, SandboxPlace } from '../../src/gen/runlet/v1/sandbox_pb.ts';
import type { SandboxCapability } from '../../src/gen/runlet/v1/server_pb.ts';
import { systemCallFilter } from '../../src/sandbox/filter/system-call-filter.ts';
import { collect } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { firstLinesOf } from '../support/first-line.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { hasBwrap, hasTool } from '../support/needed-tools.ts';
import { CAN_SERVE_AS_ORDINARY_USER, ORDINARY_USER } from '../support/ordinary-user.ts';
import { MAIN } from '../support/served.ts';

/** Namespaces in which root changes what the machine looks like, to the server alone. */
const UNSHARE = ['--mount', '--propagation', 'private'];
/** Processes of its own as well, which end with it. */
const OWN_PROCESSES = ['--pid', '--mount-proc', '--fork', '--kill-child'];
const CAN_CHANGE =
  process.getuid?.() === 0 &&
  hasBwrap() &&
  hasTool('unshare', ...UNSHARE, 'mount', '--bind', '/dev/null', '/usr/bin/bwrap');

const BWRAP = '/usr/bin/bwrap';

/** Where the server is, and how it came to be there. */
interface Place {
  /** What root does before the server starts: shell code; `$0` is a folder. */
  readonly before?: string;
  /** Namespaces beside that of mounts. */
  readonly unshare?: readonly string[];
  /** What then becomes the server, with its command line after it. `$0` is as above. */
  readonly through?: string;
  readonly user?: number | undefined;
  /** Whether what is asked for with the network of the host is refused, too. Default: true. */
  readonly refusesHost?: boolean;
}

/** What came of it that a program was to run in a sandbox of a server at such a place. */
interface Outcome {
  readonly sandbox: SandboxCapability | undefined;
  /** How a start with no network, and one with the host's, was refused: step and errno. */
  readonly none: string;
  readonly host: string;
  readonly message: string;
}

/** Starts a server there, and asks it to run a program in a sandbox. Nothing must have run. */
async function tryAt({
  before = ':',
  refusesHost = true,
  through = '',
  unshare = [],
  user,
}: Place): Promise<Outcome> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  if (user !== undefined) await chown(folder, user, user);
  const own = process.getuid?.() ?? 0;
  const serve = [
    ...[process.execPath, MAIN, 'serve', '--listen', `unix:${join(folder, 'runlet.sock')}`],
    ...['--state-dir', join(folder, 'state'), '--allow-uid', String(own), '--log-level', 'error'],
  ];
  const as =
    user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const script = `${before}\nexec ${through} "$@"`;
  const command = ['sh', '-ec', script, folder, ...as, ...serve];
  const child = spawn('unshare', [...UNSHARE, ...unshare, ...command], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => ended(child));
  const [line = ''] = await firstLinesOf(child, 1);
  const { processes, server, sessions } = connectClients(
    parseAddress(line.replace('runlet listening on ', '')),
  );
  const { session } = await sessions.createSession({});
  const made = join(folder, 'made');
  const spec = (network: SandboxNetwork) => ({
    argv: ['/bin/sh', '-c', `: > ${made}`],
    sandbox: {
      network,
      rules: [
        { place: SandboxPlace.PLATFORM, access: SandboxAccess.READ },
        { path: folder, access: SandboxAccess.WRITE },
      ],
    },
  });
  const sessionId = session?.sessionId ?? '';
  const start = await failureOf(
    processes.startProcess({ sessionId, spec: spec(SandboxNetwork.NONE) }),
  );
  const run = refusesHost
    ? await failureOf(collect(processes.run({ spec: spec(SandboxNetwork.HOST) })))
    : undefined;
  for (const failure of [start, run]) {
    if (failure === undefined) continue;
    expect(failure.summary).toBe('FAILED_PRECONDITION/SANDBOX_UNAVAILABLE');
  }
  expect((await processes.listProcesses({ sessionId })).processes).toEqual([]);
  expect(existsSync(made)).toBe(false);
  const { capabilities } = await server.getServerInfo({});
  const stepOf = (failure: typeof start | undefined): string =>
    `${failure?.sandboxFailure?.step} ${failure?.sandboxFailure?.errnoName}`;
  return {
    sandbox: capabilities?.sandbox,
    none: stepOf(start),
    host: stepOf(run),
    message: start.sandboxFailure?.message ?? '',
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** What does not work, with its step and errno. */
function broken(sandbox: SandboxCapability | undefined): readonly string[] {
  return (sandbox?.probes ?? [])
    .filter(({ works }) => !works)
    .map(({ errnoName, name, step }) => `${name} ${step} ${errnoName}`.trim());
}

describe.skipIf(!CAN_CHANGE)('a sandbox that cannot be made (needs root, bwrap, unshare)', () => {
  it('is refused where there is no bwrap', async () => {
    const { host, message, none, sandbox } = await tryAt({
      before: `mount --bind /dev/null ${BWRAP}`,
    });
    expect([none, host]).toEqual(['mechanism ENOENT', 'mechanism ENOENT']);
    expect(message).toContain('there is no bwrap in /usr/bin');
    expect(sandbox?.mechanism).toBe('');
    expect(broken(sandbox)).toEqual(['mechanism find ENOENT']);
  });

  it('is refused where bwrap is too old', async () => {
    const old = [
      '#!/bin/sh',
      'case $1 in',
      '--version) echo bubblewrap 0.4.1 ;;',
      '*) echo "    --bind SRC DEST" ;;',
      'esac',
    ];
    const { message, none, sandbox } = await tryAt({
      before: `printf '%s\\n' ${old.map((text) => `'${text}'`).join(' ')} > "$0/old"
        chmod 755 "$0/old"; mount --bind "$0/old" ${BWRAP}`,
    });
    expect(none).toBe('mechanism ');
    expect(message).toBe(`${BWRAP} is bubblewrap 0.4.1, which has no --args`);
    expect(broken(sandbox)).toEqual(['mechanism version']);
  });

  it('is refused where others than root can change bwrap', async () => {
    const { none, sandbox } = await tryAt({
      before: `cp ${BWRAP} "$0/own"; chown ${ORDINARY_USER} "$0/own"; mount --bind "$0/own" ${BWRAP}`,
    });
    expect(none).toBe('mechanism EPERM');
    expect(broken(sandbox)).toEqual(['mechanism owner EPERM']);
    const folder = await tryAt({
      before:
        'mount -t tmpfs -o mode=1777 none /usr/local; mkdir /usr/local/bin; cp /usr/bin/bwrap /usr/local/bin; mount --bind /dev/null /usr/bin/bwrap',
    });
    expect(folder.message).toBe('others than root can change /usr/local');
  });

  it('is refused by a server that is not root where bwrap is set-user-ID', async ({ skip }) => {
    if (!CAN_SERVE_AS_ORDINARY_USER) skip('the clone is where nobody else can read it');
    const before = `cp ${BWRAP} "$0/setuid"; chown 0:0 "$0/setuid"; chmod 4755 "$0/setuid"
      mount --bind "$0/setuid" ${BWRAP}`;
    const { message, none, sandbox } = await tryAt({ before, user: ORDINARY_USER });
    expect(none).toBe('mechanism EPERM');
    expect(message).toContain('is set-user-ID');
    expect(broken(sandbox)).toEqual(['mechanism setuid EPERM']);
  });

  it('is refused where there may be no namespaces of users', async () => {
    const { host, none, sandbox } = await tryAt({
      // What an administrator sets, for this namespace and what is below it.
      unshare: ['--user', '--map-root-user'],
      before: 'echo 0 > /proc/sys/user/max_user_namespaces',
    });
    expect([none, host]).toEqual(['namespaces ENOSPC', 'namespaces ENOSPC']);
    expect(sandbox?.mechanism).toBe('');
    expect(broken(sandbox)).toContain('namespaces sandbox ENOSPC');
  });

  it.each([
    ['root', undefined],
    ['an ordinary user', ORDINARY_USER],
  ])('is refused where a filter forbids them to %s, as that of a container', async (_who, user) => {
    if (!CAN_SERVE_AS_ORDINARY_USER) return;
    const filter = join(await temporaryFolder(), 'filter');
    await writeFile(filter, systemCallFilter(process.arch === 'x64' ? 'x64' : 'arm64'));
    const { host, none, sandbox } = await tryAt({
      before: `exec 3<${filter}`,
      through: `bwrap --bind / / --dev-bind /dev /dev --proc /proc --cap-add ALL --unshare-pid
        --die-with-parent --seccomp 3 --`.replaceAll('\n', ' '),
      user,
    });
    expect([none, host]).toEqual(['namespaces EPERM', 'namespaces EPERM']);
    expect(sandbox?.mechanism).toBe('');
    expect(broken(sandbox)).toContain('namespaces sandbox EPERM');
  });

  it('is refused where /proc cannot be mounted', async () => {
    const { host, none, sandbox } = await tryAt({
      // What containers do to hide some of it: the kernel mounts no other that shows it.
      before: 'mount -t tmpfs none /proc/bus',
      unshare: OWN_PROCESSES,
    });
    expect([none, host]).toEqual(['proc EPERM', 'proc EPERM']);
    expect(sandbox?.mechanism).toBe('');
    // The others are tried all the same.
    expect(broken(sandbox)).toEqual(['proc sandbox EPERM']);
  });

  it('is refused without a network where none but that of the host can be', async () => {
    const { none, sandbox } = await tryAt({
      unshare: ['--user', '--map-root-user'],
      before: 'echo 0 > /proc/sys/user/max_net_namespaces',
      refusesHost: false,
    });
    expect(none).toBe('network ENOSPC');
    expect([sandbox?.mechanism, sandbox?.version]).toEqual(['bubblewrap', expect.any(String)]);
    expect(broken(sandbox)).toEqual(['network sandbox ENOSPC']);
  });
});
