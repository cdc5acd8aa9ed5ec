import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KinMarks } from '../../../src/process/native/kin-marks.ts';
import { isDescendant } from '../../../src/process/native/kinship.ts';
import { loadLibc } from '../../../src/process/native/libc.ts';
import { scanProcess } from '../../../src/process/process-scan.ts';

/** A child that Node.js makes while a mark is worn, as beside a launch. */
function childBesideLaunch(detached: boolean): number {
  const marks = KinMarks.create(loadLibc());
  if (marks === undefined) throw new Error('this machine has no marks');
  const mark = marks.take();
  marks.wear(mark);
  const child = spawn('/bin/sh', ['-c', 'read line'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached,
  });
  marks.wear(undefined);
  const pid = child.pid ?? 0;
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  expect(marks.of(pid)).toBe(mark);
  return pid;
}

/** Has a child end, in one turn of the event loop: nobody has reaped it then. */
function endUnreaped(pid: number): void {
  process.kill(pid, 'SIGKILL');
  while (scanProcess(pid)?.ended === false);
  expect(scanProcess(pid)?.ended).toBe(true);
}

describe('a child that has the mark of a launch', () => {
  it('is not taken for what came of that if it is in the session of this process', () => {
    const pid = childBesideLaunch(false);
    expect(isDescendant(pid)).toBe(false);
    endUnreaped(pid);
    expect(isDescendant(pid)).toBe(false);
  });

  it('is if it is in another, as all are that come of a launch', () => {
    const pid = childBesideLaunch(true);
    expect(isDescendant(pid)).toBe(true);
    endUnreaped(pid);
    expect(isDescendant(pid)).toBe(true);
  });
});
