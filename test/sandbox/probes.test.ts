import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createLauncher } from '../../src/process/launchers.ts';
import { type RunTool, toolRunner } from '../../src/process/users/run-tool.ts';
import { bubblewrapError } from '../../src/sandbox/bubblewrap-error.ts';
import { isFiltered, systemCallFilter } from '../../src/sandbox/filter/system-call-filter.ts';
import { failedAct } from '../../src/sandbox/probe/act-lines.ts';
import { ACTS_PROGRAMS, ACTS_SOURCE_SHA256 } from '../../src/sandbox/probe/acts-program.ts';
import { PROBE_NAMES, probe } from '../../src/sandbox/probe/probes.ts';
import { temporaryFolder } from '../support/harness.ts';
import { hasBwrap, hasTool } from '../support/needed-tools.ts';

const SOURCE = new URL('../../src/sandbox/probe/acts.c', import.meta.url);
const HAS_BWRAP = hasBwrap() && isFiltered(process.arch);
const CAN_NETWORK = HAS_BWRAP && hasTool('bwrap', '--unshare-net', '--ro-bind', '/', '/', 'true');
const FILTER = systemCallFilter(process.arch === 'x64' ? 'x64' : 'arm64');

const real = toolRunner(createLauncher(), systemClock);

/** What does not work, and at which step, where bwrap(1) is told other things than it should be. */
async function brokenWith(change: (args: readonly string[]) => readonly string[], filter = FILTER) {
  const run: RunTool = (program, args) => real(program, change(args));
  const bubblewrap = { program: '/usr/bin/bwrap', version: '', disablesUserNamespaces: true };
  const results = await probe({ bubblewrap, shell: '/bin/sh', filter, run });
  expect(results.map(({ name }) => name)).toEqual(PROBE_NAMES);
  return Object.fromEntries(
    results.flatMap(({ failure, name }) => (failure === undefined ? [] : [[name, failure.step]])),
  );
}

function without(...options: readonly string[]) {
  return (args: readonly string[]): readonly string[] =>
    args.filter((argument) => !options.includes(argument));
}

/** A filter that lets everything be done: `return SECCOMP_RET_ALLOW`. */
const ALLOWING = Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f);

describe.skipIf(!CAN_NETWORK)('probes (need bwrap)', () => {
  it('find that all works, and leave nothing', async () => {
    const folder = await temporaryFolder();
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await brokenWith((args) => args)).toEqual({});
    expect(readdirSync(folder)).toEqual([]);
  });

  it('find processes of the host that can be ended', async () => {
    const broken = await brokenWith(without('--unshare-pid', '--as-pid-1'));
    // It ended what it was to be kept from.
    expect(broken).toMatchObject({ processes: 'time' });
  });

  it('find the host on the loopback interface', async () => {
    expect(await brokenWith(without('--unshare-net'))).toEqual({ network: 'connect' });
  });

  it('find files that can be written', async () => {
    const change = (args: readonly string[]): readonly string[] =>
      args.map((argument) => (argument === '--ro-bind-fd' ? '--bind-fd' : argument));
    expect(await brokenWith(change)).toEqual({ files: 'create' });
  });

  it('find what the filter is for', async () => {
    const broken = await brokenWith(without('--disable-userns'), ALLOWING);
    expect(broken).toMatchObject({ namespaces: 'unshare', system_calls: 'add_key' });
    // A kernel may let nobody type into terminals.
    const legacy = readSetting('/proc/sys/dev/tty/legacy_tiocsti');
    if (legacy !== '0') expect(broken).toMatchObject({ terminal: 'type' });
  });

  it('find capabilities that were not dropped', async () => {
    const change = (args: readonly string[]): readonly string[] =>
      args.map((argument) => (argument === '--cap-drop' ? '--cap-add' : argument));
    expect(await brokenWith(change)).toMatchObject({ privileges: 'open_unreadable' });
  });

  it.skipIf(process.getuid?.() !== 0)(
    'find what of /proc root can write to (needs root)',
    async () => {
      const change = (args: readonly string[]): readonly string[] => {
        const at = args.indexOf('/proc/sys');
        return at === -1 ? args : [...args.slice(0, at - 1), ...args.slice(at + 2)];
      };
      expect(await brokenWith(change)).toEqual({ proc: 'open_sysctl' });
    },
  );

  it('find that nothing works where bwrap says so, and why', async () => {
    const broken = await brokenWith((args) => [
      ...args.slice(0, 5),
      '--no-such-option',
      ...args.slice(5),
    ]);
    expect(broken).toEqual(Object.fromEntries(PROBE_NAMES.map((name) => [name, 'sandbox'])));
  });
});

function readSetting(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

describe('the program of the probes', () => {
  it('was made of its source', () => {
    const hash = createHash('sha256').update(readFileSync(SOURCE)).digest('hex');
    expect(hash, 'run node scripts/sandbox-acts.mjs').toBe(ACTS_SOURCE_SHA256);
    expect(Object.keys(ACTS_PROGRAMS)).toEqual(['x64', 'arm64']);
  });

  it('tells what it does', () => {
    expect(failedAct('- a 1\n+ b 0\ndone\n')).toBeUndefined();
    expect(failedAct('- a 0\n+ b 0\ndone\n')).toMatchObject({ step: 'a', errnoName: '' });
    expect(failedAct('- a 1\n+ b 13\ndone\n')).toMatchObject({ step: 'b', errnoName: 'EACCES' });
    expect(failedAct('- a 1\n+ b 0\n')).toMatchObject({ step: 'end' });
    expect(failedAct('done\n')).toMatchObject({ step: 'end' });
    expect(failedAct('')).toMatchObject({ step: 'end' });
    expect(failedAct('x\ndone\n')).toMatchObject({ step: 'read' });
  });

  it('has messages of bwrap beside it, which say an errno', () => {
    const said = (message: string): string => bubblewrapError(`${message}\n`).errnoName;
    expect(said("bwrap: Can't mount proc on /newroot/proc: Operation not permitted")).toBe('EPERM');
    expect(said("bwrap: Can't find source path /a: b: No such file or directory")).toBe('ENOENT');
    expect(
      said(
        'bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)',
      ),
    ).toBe('ENOSPC');
    expect(said('bwrap: No permissions to create new namespace, likely because the kernel')).toBe(
      'EPERM',
    );
    expect(said('bwrap: prctl(PR_SET_SECCOMP) reported EINVAL. (Hint: this requires)')).toBe(
      'EINVAL',
    );
    expect(said('bwrap: Unknown option --x')).toBe('');
    expect(bubblewrapError('- a 1\ndone\n')).toEqual({ errnoName: '', message: '' });
  });
});

describe.skipIf(!hasTool('cc', '--version') || process.arch !== 'x64')(
  'the source of the probes (needs x64, cc)',
  () => {
    it('compiles without a warning', () => {
      const flags = ['-Os', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-fsyntax-only'];
      execFileSync('cc', [...flags, '-fno-builtin', fileURLToPath(SOURCE)]);
    });
  },
);
