import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OrphanCheck } from '../../../src/process/native/orphan-check.ts';

async function startChild(): Promise<number> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill());
  await once(child, 'spawn');
  return child.pid ?? 0;
}

describe('a check for orphans', () => {
  it('asks of every child of this process', async () => {
    const children = [await startChild(), await startChild()];
    const asked: number[] = [];
    const isOrphan = (child: number): boolean => {
      asked.push(child);
      return false;
    };
    const check = new OrphanCheck({ isOrphan, underWay: new Set() });
    expect(await check.mayHaveOrphans()).toBe(false);
    expect(asked).toEqual(expect.arrayContaining(children));
  });

  it('finds one among them', async () => {
    const [, orphan] = [await startChild(), await startChild()];
    const isOrphan = (child: number): boolean => child === orphan;
    const check = new OrphanCheck({ isOrphan, underWay: new Set() });
    expect(await check.mayHaveOrphans()).toBe(true);
  });

  it('trusts its look only if no launch fails that was under way', async () => {
    let settle = (_worked: boolean): void => {};
    const launch = new Promise<boolean>((resolve) => {
      settle = resolve;
    });
    const check = new OrphanCheck({ isOrphan: () => false, underWay: new Set([launch]) });
    const answer = check.mayHaveOrphans();
    settle(false);
    expect(await answer).toBe(true);
    const worked = new Set([Promise.resolve(true)]);
    expect(
      await new OrphanCheck({ isOrphan: () => false, underWay: worked }).mayHaveOrphans(),
    ).toBe(false);
  });

  it('does not wait for a launch that hangs, and trusts no look meanwhile', async () => {
    const underWay = new Set([new Promise<boolean>(() => {})]);
    const check = new OrphanCheck({ isOrphan: () => false, underWay });
    expect(await check.mayHaveOrphans()).toBe(true);
  });

  it('looks for all who ask in one turn at once, and again for those who come later', async () => {
    await startChild();
    let looks = 0;
    const isOrphan = (): boolean => {
      looks += 1;
      return true;
    };
    const check = new OrphanCheck({ isOrphan, underWay: new Set() });
    await Promise.all([check.mayHaveOrphans(), check.mayHaveOrphans()]);
    expect(looks).toBe(1);
    await check.mayHaveOrphans();
    expect(looks).toBe(2);
  });
});
