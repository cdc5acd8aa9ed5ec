import { describe, expect, it } from 'vitest';
import { judgeBubblewrap } from '../../src/doctor/checks/bubblewrap.ts';
import { judgeCgroups } from '../../src/doctor/checks/cgroups.ts';
import { judgeClock } from '../../src/doctor/checks/clock.ts';
import { judgeDescriptors } from '../../src/doctor/checks/descriptors.ts';
import { judgeWatches } from '../../src/doctor/checks/file-watches.ts';
import { judgeLauncher } from '../../src/doctor/checks/launcher.ts';
import { judgeMemory } from '../../src/doctor/checks/memory.ts';
import { judgeNodeVersion } from '../../src/doctor/checks/node-version.ts';
import { judgeProc } from '../../src/doctor/checks/proc.ts';
import { judgeProcessCount } from '../../src/doctor/checks/process-count.ts';
import { judgeSandboxes } from '../../src/doctor/checks/sandboxes.ts';
import { judgeTerminals } from '../../src/doctor/checks/terminals.ts';
import { MIB } from '../../src/units.ts';
import { problemOf } from '../support/doctor.ts';

describe('a version of Node.js', () => {
  it.each([
    ['20.19.0', 'well'],
    ['20.18.9', 'old'],
    ['18.20.0', 'old'],
    ['22.0.0', 'well'],
    ['26.1.0', 'well'],
    ['9.99.0', 'old'],
  ])('%s is %s', (version, expected) => {
    expect(problemOf(judgeNodeVersion(version, '>=20.19'))).toBe(expected);
  });
});

describe('a launcher that is not the best', () => {
  const facts = {
    name: 'child_process',
    abilities: [],
    whyNotBest: 'no such function',
    isSupported: true,
    hasNative: true,
    hasProc: true,
  };

  it.each([
    ['library', {}],
    ['proc', { hasProc: false }],
    ['native', { hasNative: false, hasProc: false }],
    ['platform', { isSupported: false, hasNative: false }],
    ['well', { whyNotBest: undefined, name: 'posix_spawn' }],
  ])('has the problem %s', (expected, change) => {
    expect(problemOf(judgeLauncher({ ...facts, ...change }))).toBe(expected);
  });
});

describe('cgroups', () => {
  const facts = {
    isUsed: true,
    isMounted: true,
    own: { path: '/sys/fs/cgroup/a', mountPoint: '/sys/fs/cgroup' },
    trial: { kills: true, controllers: ['memory', 'pids'] },
    hasLibrary: true,
  };

  it.each([
    ['well', {}],
    ['proc', { isMounted: undefined }],
    ['none', { isMounted: false, own: undefined, trial: undefined }],
    ['none', { trial: { errnoName: 'ENOENT', kills: false, controllers: [] } }],
    ['version', { own: undefined, trial: undefined }],
    ['denied', { trial: { errnoName: 'EACCES', kills: false, controllers: [] } }],
    ['denied', { trial: { errnoName: 'EROFS', kills: false, controllers: [] } }],
    ['kill', { isUsed: false, trial: { kills: false, controllers: [] } }],
    ['library', { isUsed: false, hasLibrary: false }],
  ])('are %s', (expected, change) => {
    expect(problemOf(judgeCgroups({ ...facts, ...change }))).toBe(expected);
  });

  it('tell which controllers could be switched on', () => {
    expect(judgeCgroups(facts).detail).toContain('memory, pids');
  });
});

describe('terminals', () => {
  const denied = { errnoName: 'EACCES' };
  it.each([
    ['well', { opened: { path: '/dev/pts/0' }, isMounted: true }],
    // It may be elsewhere, with a link.
    ['well', { opened: { path: '/dev/pts/0' }, isMounted: false }],
    ['unmounted', { opened: denied, isMounted: false }],
    ['denied', { opened: denied, isMounted: undefined }],
    ['full', { opened: { errnoName: 'ENOSPC' }, isMounted: true }],
  ])('are %s', (expected, facts) => {
    expect(problemOf(judgeTerminals({ count: '1', most: '2', ...facts }))).toBe(expected);
  });
});

describe('/proc', () => {
  const mount = (...options: readonly string[]) => ({
    root: '/',
    point: '/proc',
    type: 'proc',
    options: ['rw', ...options],
  });
  const facts = { isThere: true, isOwn: true, mount: mount(), isRoot: false, groups: [1000] };

  it.each([
    ['well', {}],
    ['well', { mount: undefined }],
    ['missing', { isThere: false, isOwn: false, mount: undefined }],
    ['foreign', { isOwn: false }],
    ['hidden', { mount: mount('hidepid=2') }],
    ['hidden', { mount: mount('hidepid=invisible', 'gid=5') }],
    ['hidden', { mount: mount('hidepid=ptraceable') }],
    ['well', { mount: mount('hidepid=2', 'gid=1000') }],
    ['well', { mount: mount('hidepid=off') }],
    ['well', { mount: mount('hidepid=2'), isRoot: true }],
    ['part', { mount: mount('subset=pid'), isRoot: true }],
  ])('is %s', (expected, change) => {
    expect(problemOf(judgeProc({ ...facts, ...change }))).toBe(expected);
  });
});

describe('sandboxes', () => {
  const probes = ['namespaces', 'files', 'proc', 'network'];
  const found = (broken: readonly string[], step = 'sandbox') => ({
    mechanism: 'bubblewrap' as const,
    version: '0.8.0',
    program: '/usr/bin/bwrap',
    probes: probes.map((name) => {
      const works = !broken.includes(name);
      return { name, works, step: works ? '' : step, errnoName: works ? '' : 'EPERM' };
    }),
    problems: Object.fromEntries(broken.map((name) => [name, `${step}: no`])),
  });
  const reading = (path: string, value: string) => (asked: string) =>
    asked === `/proc/sys/${path}` ? `${value}\n` : undefined;
  const silent = (): undefined => undefined;

  it.each([
    ['well', found([]), silent],
    ['temporary', undefined, silent],
    ['temporary', found(probes, 'prepare'), silent],
    ['network', found(['network']), silent],
    ['proc', found(['proc']), silent],
    ['part', found(['files'], 'create'), silent],
    ['part', found(['proc', 'network']), silent],
    ['namespaces', found(probes), silent],
    ['namespaces', found(probes), reading('user/max_user_namespaces', '9')],
    ['limit', found(probes), reading('user/max_user_namespaces', '0')],
    ['clone', found(probes), reading('kernel/unprivileged_userns_clone', '0')],
    ['apparmor', found(probes), reading('kernel/apparmor_restrict_unprivileged_userns', '1')],
  ])('are %s', (expected, facts, read) => {
    expect(problemOf(judgeSandboxes(facts, read))).toBe(expected);
  });

  it('tell step and errno of what does not work', () => {
    expect(judgeSandboxes(found(['files'], 'create'), silent).detail).toBe(
      '1 of 4 parts do not work: files: create: no (EPERM)',
    );
  });
});

describe('bubblewrap', () => {
  const found = (step: string) => ({
    mechanism: '' as const,
    version: '',
    program: step === '' ? '/usr/bin/bwrap' : '',
    probes: step === '' ? [] : [{ name: 'mechanism', works: false, step, errnoName: '' }],
    problems: {},
  });

  it.each([
    ['well', found(''), true],
    ['temporary', undefined, true],
    ['find', found('find'), true],
    ['owner', found('owner'), true],
    ['setuid', found('setuid'), true],
    ['version', found('version'), true],
    ['launcher', found('find'), false],
  ])('is %s', (expected, facts, canLaunch) => {
    expect(problemOf(judgeBubblewrap(facts, canLaunch))).toBe(expected);
  });
});

describe('folders to watch', () => {
  it.each([
    ['well', { errnoName: undefined, mostWatches: 8192, mostInstances: 128 }],
    ['well', { errnoName: undefined, mostWatches: undefined, mostInstances: undefined }],
    ['few', { errnoName: undefined, mostWatches: 8191, mostInstances: 128 }],
    ['instances', { errnoName: 'EMFILE', mostWatches: 8192, mostInstances: 128 }],
    ['refused', { errnoName: 'ENOSYS', mostWatches: 8192, mostInstances: 128 }],
  ])('are %s', (expected, facts) => {
    expect(problemOf(judgeWatches(facts))).toBe(expected);
  });
});

describe('what there is of something', () => {
  it.each([100, 400, 1024, 4096, 20_000, 70_000])(
    'is enough for as many processes as it says: %i descriptors',
    (hard) => {
      const limits = { soft: hard, hard };
      const outcome = judgeDescriptors(limits, 20_000, undefined);
      if (!('problem' in outcome)) return expect(hard).toBe(70_000);
      const possible = Number(outcome.values?.['possible']);
      expect(possible).toBeGreaterThan(0);
      expect(problemOf(judgeDescriptors(limits, possible, 1024))).toBe('well');
      expect(problemOf(judgeDescriptors(limits, possible + 1, 1024))).toBe('few');
      const wanted = Number(outcome.values?.['wanted']);
      const raised = { soft: wanted, hard: wanted };
      expect(problemOf(judgeDescriptors(raised, 20_000, 1024))).toBe('well');
    },
  );

  it('is enough where nothing bounds it, or nobody tells', () => {
    const hard = Number.POSITIVE_INFINITY;
    expect(problemOf(judgeDescriptors({ soft: 1024, hard }, 20_000, 1024))).toBe('well');
    expect(problemOf(judgeDescriptors(undefined, 20_000, 1024))).toBe('well');
    expect(problemOf(judgeProcessCount(undefined, 20_000))).toBe('well');
    expect(problemOf(judgeMemory(undefined, MIB))).toBe('well');
  });

  it('is enough processes for as many as it says', () => {
    const bound = { most: 1000, by: 'cgroup', where: '/x/pids.max' } as const;
    const outcome = judgeProcessCount(bound, 20_000);
    expect(outcome).toMatchObject({ problem: 'cgroup', values: { where: '/x/pids.max' } });
    const possible = Number('problem' in outcome && outcome.values?.['possible']);
    expect(problemOf(judgeProcessCount(bound, possible))).toBe('well');
    expect(problemOf(judgeProcessCount(bound, possible + 1))).toBe('cgroup');
  });

  it('is enough memory for as much output as it says', () => {
    const bound = { most: 300 * MIB, by: 'cgroup', where: '/x/memory.max' } as const;
    const outcome = judgeMemory(bound, 128 * MIB);
    expect(outcome).toMatchObject({ problem: 'little', values: { possible: '35MiB' } });
    expect(problemOf(judgeMemory(bound, 35 * MIB))).toBe('well');
    expect(problemOf(judgeMemory({ ...bound, most: 200 * MIB }, MIB))).toBe('tiny');
    expect(problemOf(judgeMemory({ ...bound, most: 416 * MIB }, 128 * MIB))).toBe('well');
  });
});

describe('a clock', () => {
  const facts = {
    now: Date.UTC(2026, 5, 1),
    stepMs: 3,
    isSynchronized: true,
    source: 'tsc',
  };

  it.each([
    ['well', {}],
    ['well', { isSynchronized: undefined, source: undefined }],
    ['unsynchronized', { isSynchronized: false }],
    ['stepped', { stepMs: -5000 }],
    ['year', { now: Date.UTC(1970, 0, 1) }],
    ['year', { now: Date.UTC(2150, 0, 1), isSynchronized: false }],
  ])('is %s', (expected, change) => {
    expect(problemOf(judgeClock({ ...facts, ...change }))).toBe(expected);
  });
});
