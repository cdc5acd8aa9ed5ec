import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Latch } from '../../../src/latch.ts';
import { KinMarks } from '../../../src/process/native/kin-marks.ts';
import { loadLibc } from '../../../src/process/native/libc.ts';
import { MarkedSpawns } from '../../../src/process/native/marked-spawns.ts';
import { scanProcesses } from '../../../src/process/process-scan.ts';
import { settle } from '../../support/settle.ts';

function createMarks(): KinMarks {
  const marks = KinMarks.create(loadLibc());
  if (marks === undefined) throw new Error('this machine has no marks');
  return marks;
}

function takeMark(marks: KinMarks): bigint {
  const mark = marks.take();
  if (mark === undefined) throw new Error('there is no mark left');
  return mark;
}

/**
 * A child of Node.js, which is made at once, and so has the mark that is worn. It has a session of its
 * own, as those have that are launched, or is in ours, as those are that Node.js makes for others.
 */
async function child(detached = true): Promise<number> {
  const options: SpawnOptions = { stdio: 'ignore', detached };
  const script = detached ? 'sleep 1000 & wait' : 'exec sleep 1000';
  const made = spawn('sh', ['-c', script], options);
  const exited = once(made, 'exit');
  onTestFinished(async () => {
    process.kill((made.pid ?? 0) * (detached ? -1 : 1), 'SIGKILL');
    await exited;
  });
  await once(made, 'spawn');
  return made.pid ?? 0;
}

/** The first child of a process, once it has one. */
async function childOf(pid: number): Promise<number> {
  const look = async (): Promise<number> =>
    (await scanProcesses())?.byParent.get(pid)?.[0]?.pid ?? 0;
  await expect.poll(look).toBeGreaterThan(0);
  return look();
}

describe('a marked child', () => {
  it('has its mark, as does what comes of it, and this process has none', async () => {
    const marks = createMarks();
    const spawns = new MarkedSpawns(loadLibc(), marks, () => false);
    const mark = takeMark(marks);
    const pid = await spawns.spawn(mark, () => child());
    expect(marks.of(pid)).toBe(mark);
    expect(marks.of(await childOf(pid))).toBe(mark);
    expect(marks.of(process.pid)).toBeUndefined();
    expect(marks.of(process.ppid)).toBeUndefined();
    expect(marks.of(await child())).toBeUndefined();
  });

  it('is made after another, unless that one is there and only slow', async () => {
    const marks = createMarks();
    const looked = new Latch();
    const spawns = new MarkedSpawns(loadLibc(), marks, () => {
      looked.open();
      return false;
    });
    // One to look at: each child is, to see whether it is the one that is being made.
    await child();
    const [first, second] = [takeMark(marks), takeMark(marks)];
    const made = new Latch();
    const gate = new Latch();
    let firstPid = 0;
    const slow = spawns.spawn(first, async () => {
      await made.wait();
      firstPid = await child();
      await gate.wait();
      return firstPid;
    });
    let began = false;
    const next = spawns.spawn(second, () => {
      began = true;
      return child();
    });
    // For the child of the first, which is not there.
    await looked.wait();
    await settle();
    expect(began).toBe(false);
    made.open();
    const nextPid = await next;
    expect([marks.of(firstPid), marks.of(nextPid)]).toEqual([first, second]);
    expect([spawns.isMaking(first), spawns.isMaking(second)]).toEqual([true, false]);
    gate.open();
    expect(await slow).toBe(firstPid);
    expect(spawns.isMaking(first)).toBe(false);
  });

  it('is not mistaken for one that Node.js made beside it', async () => {
    const marks = createMarks();
    const looked = new Latch();
    const spawns = new MarkedSpawns(loadLibc(), marks, () => {
      looked.open();
      return false;
    });
    const [first, second] = [takeMark(marks), takeMark(marks)];
    const gate = new Latch();
    const slow = spawns.spawn(first, async () => {
      await gate.wait();
      return child();
    });
    const beside = await child(false);
    expect(marks.of(beside)).toBe(first);
    let began = false;
    const next = spawns.spawn(second, () => {
      began = true;
      return child();
    });
    // For the first, in all children.
    await looked.wait();
    await settle();
    expect(began).toBe(false);
    gate.open();
    expect(marks.of(await slow)).toBe(first);
    expect(marks.of(await next)).toBe(second);
  });

  it('that could not be made holds up nobody', async () => {
    const marks = createMarks();
    const spawns = new MarkedSpawns(loadLibc(), marks, () => false);
    const failing = spawns.spawn(takeMark(marks), () => Promise.reject(new Error('no')));
    const next = spawns.spawn(takeMark(marks), () => child());
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBeGreaterThan(0);
  });
});

describe('marks', () => {
  it('are nobody else’s while they are not given back', () => {
    const marks = createMarks();
    const taken = Array.from({ length: 100 }, () => takeMark(marks));
    expect(new Set(taken).size).toBe(100);
    for (const mark of taken) marks.giveBack(mark);
  });

  it('of a server deep in others come to an end, and can be given again', () => {
    // Knows the limit that this process has to have again.
    const own = createMarks();
    onTestFinished(() => own.wear(undefined));
    // As in a process of a server that runs in a process of another.
    const soft = (1n << 62n) + 5n * (1n << 32n) + 3n * (1n << 12n);
    const marks = KinMarks.create(loadLibc(), { soft, hard: 2n ** 64n - 1n });
    if (marks === undefined) throw new Error('this machine has no marks');
    const taken = Array.from({ length: 4095 }, () => takeMark(marks));
    expect(new Set(taken).size).toBe(4095);
    expect(marks.take()).toBeUndefined();
    marks.giveBack(taken[2000] ?? 0n);
    expect(marks.take()).toBe(taken[2000]);
  });
});
