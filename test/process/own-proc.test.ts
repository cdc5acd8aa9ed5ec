import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hasOwnProc } from '../../src/process/own-proc.ts';
import { MAIN } from '../support/served.ts';

/** A PID namespace without a mount of proc(5); the user namespace is for who is not root. */
const UNSHARE = ['-Ur', '-pf', '--kill-child'];
const CAN_UNSHARE = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;

describe('proc(5)', () => {
  it('is that of this process', () => {
    expect(hasOwnProc()).toBe(true);
  });
});

describe.skipIf(!CAN_UNSHARE)('a server with a /proc of other processes (needs unshare)', () => {
  it('ends what it runs, and does not wait for what it cannot find', async () => {
    const script = '(setsid sleep 1000 &); exec sleep 1000';
    const run = [process.execPath, MAIN, 'run', '--timeout', '0.2', '--', 'sh', '-c', script];
    const child = spawn('unshare', [...UNSHARE, 'sh', '-c', '"$@"; exit $?', 'sh', ...run], {
      stdio: 'ignore',
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    expect(await once(child, 'exit')).toEqual([124, null]);
  });
});
