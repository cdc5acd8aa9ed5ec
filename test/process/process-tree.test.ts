import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ProcessTree } from '../../src/process/process-tree.ts';
import { isAlive, pidFrom } from '../support/pids.ts';

const CONT = 18;
const KILL = 9;

/** A leader that exited, and a member of its group that it left behind. */
async function leaveMember(): Promise<{ tree: ProcessTree; member: number }> {
  const child = spawn('sh', ['-c', 'sh -c "echo \\$\\$; exec sleep 1000" & exit 0'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  await exited;
  const member = pidFrom(line.toString());
  onTestFinished(() => {
    if (isAlive(member)) process.kill(member, 'SIGKILL');
    child.stdout.destroy();
  });
  return { tree: new ProcessTree(child.pid ?? 0, () => true, undefined), member };
}

describe('the tree of a leader that exited', () => {
  it('has the members that it left, and reaches them', async () => {
    const { member, tree } = await leaveMember();
    expect(await tree.hasMembers('group')).toBe(true);
    expect(tree.signal(KILL)).toBe('sent');
    await expect.poll(() => isAlive(member)).toBe(false);
    expect(await tree.hasMembers('tree')).toBe(false);
  });

  it('has none any more once its number was given to another process', async () => {
    const { member, tree } = await leaveMember();
    // As if the member were of that other process: it must not be touched.
    tree.numberReused();
    expect(await tree.hasMembers('tree')).toBe(false);
    await tree.collect();
    expect(tree.signal(CONT)).toBe('gone');
    expect(isAlive(member)).toBe(true);
  });

  it('that was seen to be gone stays gone, whoever bears its number later', async () => {
    const { member, tree } = await leaveMember();
    process.kill(member, 'SIGKILL');
    const look = async (): Promise<string> => {
      await tree.hasMembers('tree');
      return tree.signal(CONT);
    };
    // Until init has reaped the member, it bears the number still.
    await expect.poll(look).toBe('gone');
    expect(tree.signal(KILL)).toBe('gone');
  });
});
