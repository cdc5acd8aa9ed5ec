import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scanProcesses, stillRuns } from '../../src/process/process-scan.ts';

/** Starts a shell script that says when it is ready; it is killed when the test is over. */
async function startScript(script: string): Promise<{ child: ChildProcess; pids: number[] }> {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return { child, pids: line.toString().trim().split(' ').map(Number) };
}

describe('a scan of the processes', () => {
  it('has those that were there when it was asked for, though another scan is under way', async () => {
    const earlier = scanProcesses();
    const { pids } = await startScript('echo $$; exec sleep 1000');
    // Begun while the earlier one may be under way, or not: it must not matter.
    const scans = await Promise.all([scanProcesses(), scanProcesses(), scanProcesses()]);
    for (const scan of scans) expect(scan?.byPid.has(pids[0] ?? 0)).toBe(true);
    await earlier;
  });

  it('tells of a process what proc(5) has of it', async () => {
    const { pids } = await startScript('echo $$; exec sleep 1000');
    const found = (await scanProcesses())?.byPid.get(pids[0] ?? 0);
    expect(found).toMatchObject({ parent: process.pid, ended: false });
    expect(found !== undefined && stillRuns(found)).toBe(true);
  });

  it('knows a process that ended from another with its pid', async () => {
    const { child, pids } = await startScript('echo $$; exec sleep 1000');
    const found = (await scanProcesses())?.byPid.get(pids[0] ?? 0);
    if (found === undefined) throw new Error('it was not found');
    expect(stillRuns({ ...found, startTime: '1' })).toBe(false);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    expect(stillRuns(found)).toBe(false);
  });
});
