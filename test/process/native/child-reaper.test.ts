import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadKoffi } from '../../../src/koffi.ts';
import { ChildReaper } from '../../../src/process/native/child-reaper.ts';
import { loadLibc } from '../../../src/process/native/libc.ts';

const { SIGCHLD } = constants.signals;

/** More than a `struct sigaction` takes; all of it 0 is `SIG_DFL`, without flags. */
const SIGACTION_SIZE = 256;

/** Keeps this process from hearing of the ends of its children. Returns what undoes that. */
function loseSignals(): () => void {
  const sigaction = loadKoffi()
    .load(null)
    .func('int sigaction(int number, const void *action, void *old)');
  const old = Buffer.alloc(SIGACTION_SIZE);
  expect(sigaction(SIGCHLD, Buffer.alloc(SIGACTION_SIZE), old)).toBe(0);
  return () => {
    expect(sigaction(SIGCHLD, old, null)).toBe(0);
  };
}

async function isZombie(pid: number): Promise<boolean> {
  return / \(.*\) Z /.test(await readFile(`/proc/${pid}/stat`, 'latin1'));
}

describe('a child of Node.js', () => {
  it('is left to Node.js, though a thread that was told of its end has not run since', async () => {
    new ChildReaper(loadLibc(), () => 'unknown');
    const restore = loseSignals();
    onTestFinished(restore);
    const child = spawn('/bin/sh', ['-c', 'exit 23'], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    await expect.poll(() => isZombie(child.pid ?? 0)).toBe(true);
    restore();
    // The reaper hears of it, which it may do before libuv.
    process.emit('SIGCHLD', 'SIGCHLD');
    expect(await exited).toEqual([23, null]);
  });
});
