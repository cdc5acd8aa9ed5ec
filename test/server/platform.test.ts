import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { startHarness } from '../support/harness.ts';

describe.runIf(process.platform === 'linux')('the platform that a server tells', () => {
  it('has what bounds this machine', async () => {
    const { server } = await startHarness();
    const { platform } = await server.getServerInfo({});
    expect([platform?.os, platform?.arch]).toEqual([process.platform, process.arch]);
    // A shell has the limits of this process.
    const hard = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
    expect(platform?.maxOpenFiles).toBe(hard === 'unlimited' ? 0n : BigInt(hard));
    expect(platform?.maxProcesses).toBeGreaterThan(0n);
    expect(platform?.memoryBytes).toBeGreaterThan(2n ** 24n);
  });
});
