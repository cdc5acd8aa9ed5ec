import { describe, expect, it } from 'vitest';
import { memoryBound, openFileLimits, processBound } from '../../src/machine/bounds.ts';
import { mountAt, parseMounts } from '../../src/machine/mounts.ts';
import { ownCgroup, ownCgroupOf, withThoseAbove } from '../../src/machine/own-cgroup.ts';
import type { ReadText } from '../../src/machine/read-text.ts';

/** A kernel that has these files. */
function kernel(files: Readonly<Record<string, string>>): ReadText {
  return (path) => files[path];
}

const VERSION_2 = {
  '/proc/self/mountinfo':
    '30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n',
  '/proc/self/cgroup': '0::/user.slice/runlet.service\n',
};
const VERSION_1 = {
  '/proc/self/mountinfo': [
    '31 1 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755',
    '32 31 0:29 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory',
    '33 31 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
  ].join('\n'),
  '/proc/self/cgroup': '4:memory:/docker/abc/inner\n3:cpu,cpuacct:/\n2:pids:/docker/abc\n',
};

const LIMITS = [
  'Limit                     Soft Limit           Hard Limit           Units     ',
  'Max processes             4096                 unlimited            processes ',
  'Max open files            1024                 524288               files     ',
].join('\n');

describe('mounts', () => {
  it('are read with what is octal in their paths', () => {
    const [mount] = parseMounts(
      '1 2 0:3 /a\\040b /mnt\\134x rw master:1 shared:2 - nfs4 x rw,vers=4',
    );
    expect(mount).toEqual({
      root: '/a b',
      point: '/mnt\\x',
      type: 'nfs4',
      options: ['rw', 'vers=4'],
    });
  });

  it('hide those that were made before at the same place', () => {
    const mounts = parseMounts(
      '1 0 0:1 / /proc rw - proc proc rw\n2 1 0:2 / /proc rw - proc proc rw,hidepid=2\n',
    );
    expect(mountAt(mounts, '/proc')?.options).toContain('hidepid=2');
    expect(mountAt(mounts, '/sys')).toBeUndefined();
  });

  it('are none where the text is none', () => {
    expect(parseMounts('')).toEqual([]);
    expect(parseMounts('no mount\n\n')).toEqual([]);
  });
});

describe('the cgroup of this program', () => {
  it('is found of version 2, with those above', () => {
    const mounts = parseMounts(VERSION_2['/proc/self/mountinfo']);
    const own = ownCgroup(VERSION_2['/proc/self/cgroup'], mounts);
    expect(own?.path).toBe('/sys/fs/cgroup/user.slice/runlet.service');
    expect(own && withThoseAbove(own)).toEqual([
      '/sys/fs/cgroup/user.slice/runlet.service',
      '/sys/fs/cgroup/user.slice',
      '/sys/fs/cgroup',
    ]);
  });

  it('is found of a controller of version 1, where a part of it is mounted', () => {
    const mounts = parseMounts(VERSION_1['/proc/self/mountinfo']);
    const own = VERSION_1['/proc/self/cgroup'];
    expect(ownCgroup(own, mounts)).toBeUndefined();
    expect(ownCgroupOf('memory', own, mounts)?.path).toBe('/sys/fs/cgroup/memory/inner');
    expect(ownCgroupOf('pids', own, mounts)?.path).toBe('/sys/fs/cgroup/pids/docker/abc');
    // It is named, but not mounted; and one that is not even named.
    expect(ownCgroupOf('cpu', own, mounts)).toBeUndefined();
    expect(ownCgroupOf('io', own, mounts)).toBeUndefined();
  });

  it('is the top itself in a namespace of its own', () => {
    const mounts = parseMounts(VERSION_2['/proc/self/mountinfo']);
    const own = ownCgroup('0::/\n', mounts);
    expect(own).toEqual({ path: '/sys/fs/cgroup', mountPoint: '/sys/fs/cgroup' });
    expect(own && withThoseAbove(own)).toEqual(['/sys/fs/cgroup']);
  });
});

describe('what bounds processes', () => {
  const settings = {
    '/proc/sys/kernel/pid_max': '32768\n',
    '/proc/sys/kernel/threads-max': '100000\n',
  };

  it('is the least of all that does', () => {
    const read = kernel({
      ...settings,
      ...VERSION_2,
      '/proc/self/limits': LIMITS,
      '/sys/fs/cgroup/user.slice/runlet.service/pids.max': 'max\n',
      '/sys/fs/cgroup/user.slice/pids.max': '512\n',
    });
    const where = '/sys/fs/cgroup/user.slice/pids.max';
    expect(processBound(read, 1000)).toEqual({ most: 512, by: 'cgroup', where });
  });

  it('is no limit of its user where that is root', () => {
    const read = kernel({ ...settings, '/proc/self/limits': LIMITS });
    expect(processBound(read, 1000)).toMatchObject({ most: 4096, by: 'user' });
    expect(processBound(read, 0)).toMatchObject({ most: 32_768, by: 'kernel' });
  });

  it('is not told without /proc', () => {
    expect(processBound(kernel({}), 1000)).toBeUndefined();
    expect(openFileLimits(kernel({}))).toBeUndefined();
  });

  it('are open files, too', () => {
    const read = kernel({ '/proc/self/limits': LIMITS });
    expect(openFileLimits(read)).toEqual({ soft: 1024, hard: 524_288 });
  });
});

describe('what bounds memory', () => {
  const meminfo = { '/proc/meminfo': 'MemTotal:        2048 kB\nMemFree: 1 kB\n' };

  it('is the machine where no cgroup does', () => {
    const file = '/sys/fs/cgroup/memory/inner/memory.limit_in_bytes';
    // What version 1 has for none.
    const read = kernel({ ...VERSION_1, ...meminfo, [file]: '9223372036854771712\n' });
    expect(memoryBound(read)).toEqual({ most: 2_097_152, by: 'machine', where: '/proc/meminfo' });
  });

  it('is a cgroup of either version', () => {
    const file = '/sys/fs/cgroup/memory/inner/memory.limit_in_bytes';
    const old = kernel({ ...VERSION_1, ...meminfo, [file]: '1048576\n' });
    expect(memoryBound(old)).toEqual({ most: 1_048_576, by: 'cgroup', where: file });
    const where = '/sys/fs/cgroup/memory.max';
    const read = kernel({ ...VERSION_2, ...meminfo, [where]: '65536\n' });
    expect(memoryBound(read)).toEqual({ most: 65_536, by: 'cgroup', where });
  });
});
