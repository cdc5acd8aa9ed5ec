import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { LeftoverEnding } from '../../../src/process/leftovers/leftover-ending.ts';
import { findRecord, writeRecord } from '../../../src/process/leftovers/record-file.ts';
import {
  formatRecord,
  parseRecord,
  recordOfThis,
  type ServerRecord,
} from '../../../src/process/leftovers/server-record.ts';
import { posixSpawnLauncher } from '../../../src/process/native/posix-spawn-launcher.ts';
import { temporaryFolder } from '../../support/harness.ts';

const { marking } = posixSpawnLauncher();

async function recordPath(): Promise<string> {
  return join(await temporaryFolder(), 'server');
}

/** The record of a server that is gone: the number is beyond what a kernel gives. */
async function goneRecord(more: Partial<ServerRecord> = {}): Promise<ServerRecord> {
  return { ...(await recordOfThis(marking?.range)), pid: 0x3fff_0000, ...more };
}

/** What is logged while a record is looked at, without the numbers of processes. */
async function logOf(path: string): Promise<readonly (readonly [string, object])[]> {
  const lines: [string, object][] = [];
  const log = {
    info: (details: object, message: string) => void lines.push([message, details]),
    warn: (details: object, message: string) => void lines.push([message, details]),
  };
  const ending = new LeftoverEnding({ marking, clock: systemClock, log, graceMs: 0 });
  await ending.end([{ record: path }]);
  return lines;
}

describe('the record of a server', () => {
  it('is read as it was written', async () => {
    const record = await recordOfThis(marking?.range);
    expect(record.marks).toBeDefined();
    expect(record.ancestors.length).toBeGreaterThan(0);
    const { isServersOwn: _, ...marks } = marking?.range ?? { isServersOwn: false };
    expect(parseRecord(formatRecord(record))).toEqual({ ...record, marks });
  });

  it('is none with anything else in it', () => {
    for (const text of ['', '{', '[]', 'null', '{"pid":0}', '{"pid":"5"}']) {
      expect(parseRecord(text)).toBeUndefined();
    }
    const odd = ['5', '{"first":"1","last":"5"}', '{"first":5,"last":6}', '{"first":"x"}'];
    for (const marks of odd) {
      expect(parseRecord(`{"pid":5,"ancestors":[{}],"marks":${marks}}`)).toMatchObject({
        pid: 5,
        ancestors: [],
        marks: undefined,
      });
    }
  });

  it('says that its server runs while that holds the lock, whatever else it says', async () => {
    const path = await recordPath();
    const own = writeRecord(path, await recordOfThis(marking?.range));
    expect(findRecord(path)).toEqual({ state: 'living', pid: process.pid });
    own.remove();
    own.remove();
    expect(findRecord(path)).toEqual({ state: 'absent' });
    // One without a number that is anybody's is held all the same.
    const held = writeRecord(path, await goneRecord());
    expect(findRecord(path)).toEqual({ state: 'held' });
    held.remove();
  });

  it('says so where nobody holds the lock but the server is there', async () => {
    const path = await recordPath();
    await writeFile(path, formatRecord(await recordOfThis(marking?.range)), { mode: 0o600 });
    expect(findRecord(path)).toEqual({ state: 'living', pid: process.pid });
  });

  it('is taken by one at a time when its server is gone', async () => {
    const path = await recordPath();
    await writeFile(path, formatRecord(await goneRecord()), { mode: 0o600 });
    const first = findRecord(path);
    expect(first.state).toBe('dead');
    expect(findRecord(path).state).toBe('held');
    if (first.state !== 'dead') return;
    first.remove();
    first.release();
    expect(findRecord(path)).toEqual({ state: 'absent' });
  });

  it('is none where it is a link, or can be written to by others', async () => {
    const path = await recordPath();
    await writeFile(`${path}-1`, formatRecord(await goneRecord()), { mode: 0o600 });
    await symlink(`${path}-1`, path);
    expect(findRecord(path)).toEqual({ state: 'absent' });
    await writeFile(`${path}-2`, formatRecord(await goneRecord()), { mode: 0o600 });
    await chmod(`${path}-2`, 0o622);
    expect(findRecord(`${path}-2`)).toEqual({ state: 'absent' });
  });
});

describe('a record that tells too little', () => {
  const message = 'what a server left that was killed cannot be looked for';

  it.each([
    ['it gave no marks of its own to what it started', { marks: undefined }],
    ['it had no /proc', { startTime: undefined }],
    ['it ran in another PID namespace', { pidNamespace: 'pid:[1]' }],
  ])('is left alone, and the log says why: %s', async (why, more) => {
    const path = await recordPath();
    await writeFile(path, formatRecord(await goneRecord(more)), { mode: 0o600 });
    expect(await logOf(path)).toEqual([[message, { server: 0x3fff_0000, why }]]);
    expect(await readFile(path, 'utf8')).not.toBe('');
    // A day later nobody will know better.
    await utimes(path, 1, 1);
    await logOf(path);
    expect(await readdir(join(path, '..'))).toEqual([]);
  });

  it('of another start of the machine goes: nothing is left', async () => {
    const path = await recordPath();
    const record = await goneRecord({ bootId: 'another', pidNamespace: 'pid:[1]' });
    await writeFile(path, formatRecord(record), { mode: 0o600 });
    expect(await logOf(path)).toEqual([]);
    expect(findRecord(path)).toEqual({ state: 'absent' });
  });
});

describe('a record whose server is gone and whose lock is held', () => {
  it('is taken when the lock is free, by who is not in a hurry', async () => {
    const path = await recordPath();
    await writeFile(path, formatRecord(await goneRecord()), { mode: 0o600 });
    const holder = spawn('flock', [path, 'sh', '-c', 'echo; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    const log = { info: () => {}, warn: () => {} };
    const hurried = new LeftoverEnding({ marking, clock: systemClock, log, graceMs: 0 });
    const gaveUp = hurried.end([{ record: path }]);
    hurried.shorten(0);
    await gaveUp;
    expect(findRecord(path)).toEqual({ state: 'held' });
    const patient = new LeftoverEnding({ marking, clock: systemClock, log, graceMs: 0 });
    const ended = patient.end([{ record: path }]);
    holder.stdin.end('\n');
    await ended;
    expect(findRecord(path)).toEqual({ state: 'absent' });
  });
});
