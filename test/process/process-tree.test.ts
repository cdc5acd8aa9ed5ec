import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Kinship } from '../../src/process/launcher.ts';
import type { ProcessScan } from '../../src/process/process-scan.ts';
import { ProcessTree } from '../../src/process/process-tree.ts';
import { isAlive, pidFrom } from '../support/pids.ts';

const CONT = 18;
const KILL = 9;

/** Of a launcher that knows kin: what a test says came of the process, and is an orphan now. */
function kinWith(orphans: Partial<Record<'own' | 'unmarked', number>>): Kinship {
  const inScan = (pid: number | undefined) => (scan: ProcessScan) =>
    [scan.byPid.get(pid ?? 0)].filter((process) => process !== undefined);
  return {
    orphansIn: inScan(orphans.own),
    unmarkedIn: inScan(orphans.unmarked),
    hasOrphans: () => orphans.own !== undefined,
    signalOrphans: () => [],
    hasOrphanIn: () => false,
    mayHaveOrphans: async () => true,
    kill: undefined,
    release: () => {},
  };
}

/** A leader that exited, and a member of its group that it left behind. */
async function leaveMember(
  kinOf: (member: number) => Kinship | undefined = () => undefined,
): Promise<{ tree: ProcessTree; member: number }> {
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
  return { tree: new ProcessTree(child.pid ?? 0, () => true, kinOf(member)), member };
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

  it('has none that is no kin of it, though it bears the number of the group', async () => {
    // As if the number was given away, and that process ended too and left this one.
    const { member, tree } = await leaveMember(() => kinWith({}));
    expect(await tree.hasMembers('tree')).toBe(false);
    expect(await tree.hasMembers('group')).toBe(false);
    expect(tree.signal(KILL)).toBe('gone');
    expect(tree.signalGroup(KILL)).toBe('gone');
    expect(isAlive(member)).toBe(true);
  });

  it('is not over while an orphan of it is there that was made during the look', async () => {
    let orphans = true;
    const kin = { ...kinWith({}), hasOrphans: () => orphans };
    const { tree } = await leaveMember(() => kin);
    // Nothing is found of it, though something is there at the end of the look.
    expect(await tree.hasMembers('tree')).toBe(true);
    orphans = false;
    expect(await tree.hasMembers('tree')).toBe(false);
  });

  it.each(['own', 'unmarked'] as const)('has its group where an orphan in it is %s', async (as) => {
    const { member, tree } = await leaveMember((pid) => kinWith({ [as]: pid }));
    expect(await tree.hasMembers('group')).toBe(true);
    expect(tree.signalGroup(KILL)).toBe('sent');
    await expect.poll(() => isAlive(member)).toBe(false);
  });
});
