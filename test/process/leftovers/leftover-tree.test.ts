import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Marking } from '../../../src/process/launcher.ts';
import { LeftoverTree } from '../../../src/process/leftovers/leftover-tree.ts';
import { recordOfThis, type ServerRecord } from '../../../src/process/leftovers/server-record.ts';
import { KinMarks } from '../../../src/process/native/kin-marks.ts';
import { loadLibc } from '../../../src/process/native/libc.ts';
import { markingOf } from '../../../src/process/native/marking.ts';
import { scanProcess } from '../../../src/process/process-scan.ts';
import { isAlive } from '../../support/pids.ts';

const { SIGKILL } = constants.signals;

/** A user namespace is for who is not root. */
const UNSHARE = ['-Ur', '-pf', '--mount-proc', '--kill-child'];
const CAN_UNSHARE = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;

interface Left {
  readonly pid: number;
  readonly startTime: string;
  readonly marks: NonNullable<ServerRecord['marks']>;
  readonly marking: Marking;
  /** The record of a server that ran here, and has ended. */
  readonly record: ServerRecord;
}

/** A process with a mark, as a server would have left it with this process, which was above it. */
async function left(): Promise<Left> {
  const libc = loadLibc();
  const marks = KinMarks.create(libc);
  if (marks === undefined) throw new Error('this machine has no marks');
  const mark = marks.take();
  marks.wear(mark);
  const child = spawn('/bin/sh', ['-c', 'read line'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  marks.wear(undefined);
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const pid = child.pid ?? 0;
  const startTime = scanProcess(pid)?.startTime ?? '';
  const own = scanProcess(process.pid)?.startTime ?? '';
  const ancestors = [{ pid: process.pid, startTime: own }];
  const record = { ...(await recordOfThis(marks.range)), startTime, ancestors };
  return { pid, startTime, marks: marks.range, marking: markingOf(libc, marks), record };
}

function treeOf({ marking, marks, record }: Left, spared: number[] = []): LeftoverTree {
  return new LeftoverTree(record, marks, marking, (pid) => spared.includes(pid));
}

/** Ends what is found, and tells whether anything was. */
async function kill(tree: LeftoverTree): Promise<boolean> {
  const found = await tree.hasMembers();
  await tree.collect();
  tree.signal(SIGKILL);
  return found;
}

describe('what a server left', () => {
  it('is what has a mark of it, started after it, and came to who was above it', async () => {
    const it = await left();
    const tree = treeOf(it);
    expect(await kill(tree)).toBe(true);
    await expect.poll(() => isAlive(it.pid)).toBe(false);
    expect(await tree.hasMembers()).toBe(false);
  });

  it('is nothing that started before it', async () => {
    const it = await left();
    const startTime = String(Number(it.startTime) + 1);
    expect(await kill(treeOf({ ...it, record: { ...it.record, startTime } }))).toBe(false);
    expect(isAlive(it.pid)).toBe(true);
  });

  it('is nothing that somebody has who was not above it: a server that runs', async () => {
    const it = await left();
    expect(await kill(treeOf({ ...it, record: { ...it.record, ancestors: [] } }))).toBe(false);
    // Nor who has the number of one that was.
    const ancestors = [{ pid: process.pid, startTime: '1' }];
    expect(await kill(treeOf({ ...it, record: { ...it.record, ancestors } }))).toBe(false);
    expect(isAlive(it.pid)).toBe(true);
  });

  it('is nothing that has the mark of another, however near', async () => {
    const it = await left();
    const { first, last } = it.marks;
    const mark = it.marking.of(it.pid) ?? 0n;
    expect(mark >= first && mark <= last).toBe(true);
    expect(await kill(treeOf({ ...it, marks: { first: mark + 1n, last } }))).toBe(false);
    expect(await kill(treeOf({ ...it, marks: { first, last: mark - 1n } }))).toBe(false);
    expect(isAlive(it.pid)).toBe(true);
  });

  it('is no server that runs, which wears such marks for moments', async () => {
    const it = await left();
    expect(await kill(treeOf(it, [it.pid]))).toBe(false);
    expect(isAlive(it.pid)).toBe(true);
  });

  it('is not signaled where its mark is no more what it was', async () => {
    const it = await left();
    const tree = treeOf(it);
    expect(await tree.hasMembers()).toBe(true);
    expect(spawnSync('prlimit', ['--pid', String(it.pid), '--rttime=unlimited']).status).toBe(0);
    tree.signal(SIGKILL);
    expect(isAlive(it.pid)).toBe(true);
  });

  it.skipIf(!CAN_UNSHARE)(
    'is not who was given the number of it meanwhile (needs unshare)',
    async () => {
      const script = fileURLToPath(new URL('reused-number.mjs', import.meta.url));
      const child = spawn('unshare', [...UNSHARE, process.execPath, script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      let printed = '';
      child.stdout.on('data', (data: Buffer) => {
        printed += data.toString();
      });
      await once(child, 'close');
      expect(JSON.parse(printed)).toEqual({
        found: true,
        sameNumber: true,
        strangerRuns: true,
        otherRuns: false,
      });
    },
  );
});
