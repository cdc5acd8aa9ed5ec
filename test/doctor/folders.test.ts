import { describe, expect, it } from 'vitest';
import { judgeOutputDisk } from '../../src/doctor/checks/output-disk.ts';
import { judgeRuntimeFolder } from '../../src/doctor/checks/runtime-folder.ts';
import { judgeFileSystem } from '../../src/doctor/checks/state-file-system.ts';
import { judgeStateFolder } from '../../src/doctor/checks/state-folder.ts';
import { judgeTemporaryFolder } from '../../src/doctor/checks/temporary-folder.ts';
import type { FolderFacts } from '../../src/doctor/folder-facts.ts';
import { MIB } from '../../src/units.ts';
import { problemOf } from '../support/doctor.ts';

describe('a state folder', () => {
  const facts: FolderFacts = {
    found: { isFolder: true, uid: 1000, mode: 0o755 },
    nearest: '/s',
    space: { type: 0xef53, freeBytes: MIB },
    locks: true,
  };
  const asked = { isAsked: true, keepsOutput: true };
  const byDefault = { isAsked: false, keepsOutput: true };
  const without = { isAsked: true, keepsOutput: false };
  const shared = { ...facts, found: { isFolder: true, uid: 1000, mode: 0o775 } };
  const missing = { ...facts, found: undefined, nearest: '/', errnoName: 'EACCES' };

  it.each([
    ['well', true, facts, asked],
    ['well', true, { ...facts, found: undefined }, byDefault],
    ['shared', true, shared, asked],
    ['memory', false, shared, byDefault],
    ['record', false, shared, without],
    ['denied', true, missing, asked],
    ['memory', false, missing, byDefault],
    ['read-only', true, { ...facts, errnoName: 'EROFS' }, byDefault],
    ['full', true, { ...facts, errnoName: 'EDQUOT' }, asked],
    ['failed', true, { ...facts, errnoName: 'EIO' }, asked],
    ['silent', true, undefined, byDefault],
    ['kind', true, { ...facts, found: { isFolder: false, uid: 1000, mode: 0o755 } }, asked],
  ])('is %s', (expected, required, found, use) => {
    const outcome = judgeStateFolder({ path: '/s', uid: 1000, facts: found }, use);
    expect(problemOf(outcome)).toBe(expected);
    expect(outcome.required ?? true).toBe(required);
  });

  it.each([
    ['well', 0xef53, true, true, true],
    ['well', 0x12345, true, true, true],
    ['well', 0x794c7630, true, true, true],
    ['network', 0x6969, true, true, true],
    // As Node.js may tell it.
    ['network', 0xfe534d42 | 0, true, true, true],
    ['memory', 0x01021994, true, true, true],
    ['well', 0x01021994, true, false, true],
    ['locks', 0xef53, false, true, true],
    ['native', 0xef53, false, true, false],
  ])('is on a file system that is %s', (expected, type, locks, keepsOutput, hasNative) => {
    const on = { ...facts, space: { type, freeBytes: MIB }, locks };
    expect(problemOf(judgeFileSystem(on, keepsOutput, hasNative))).toBe(expected);
  });
});

describe('other folders', () => {
  const facts: FolderFacts = {
    found: { isFolder: true, uid: 1000, mode: 0o700 },
    nearest: '/x',
    space: { type: 0xef53, freeBytes: 100 * MIB },
    locks: true,
  };

  it('are for output as far as there is room', () => {
    expect(problemOf(judgeOutputDisk(facts, 100 * MIB))).toBe('well');
    expect(judgeOutputDisk(facts, 101 * MIB)).toMatchObject({ values: { possible: '80MiB' } });
    const full = { ...facts, space: { type: 0xef53, freeBytes: 5 } };
    expect(judgeOutputDisk(full, MIB)).toMatchObject({ values: { possible: '0' } });
    expect(problemOf(judgeOutputDisk(undefined, MIB))).toBe('silent');
    expect(problemOf(judgeOutputDisk(undefined, 0))).toBe('well');
    expect(problemOf(judgeOutputDisk({ ...facts, space: undefined }, MIB))).toBe('well');
  });

  it.each([
    ['well', '/run/x/runlet.sock', facts],
    ['well', '/run/x/runlet.sock', { ...facts, found: undefined }],
    [
      'shared',
      '/run/x/runlet.sock',
      { ...facts, found: { isFolder: true, uid: 1000, mode: 0o750 } },
    ],
    ['owner', '/run/x/runlet.sock', { ...facts, found: { isFolder: true, uid: 0, mode: 0o700 } }],
    ['long', `/run/${'ü'.repeat(50)}/runlet.sock`, facts],
  ])('are for sockets: %s', (expected, socket, found) => {
    expect(problemOf(judgeRuntimeFolder(socket, found, 1000))).toBe(expected);
  });

  it.each([
    ['well', facts],
    ['missing', { ...facts, found: undefined }],
    ['unwritable', { ...facts, errnoName: 'EROFS' }],
    ['silent', undefined],
  ])('are for temporary files: %s', (expected, found) => {
    expect(problemOf(judgeTemporaryFolder('/x', found))).toBe(expected);
  });
});
