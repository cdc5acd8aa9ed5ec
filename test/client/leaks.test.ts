import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { startHarness } from '../support/harness.ts';
import { startProxy } from '../support/tcp-proxy.ts';

const LEAVING_CLIENT = fileURLToPath(new URL('../support/leaving-client.mjs', import.meta.url));

describe('a client that lost its connections many times', () => {
  it.each(['cut', 'freeze'] as const)('keeps none of them (%s)', async (how) => {
    const harness = await startHarness();
    const proxy = await startProxy(harness.address);
    const child = spawn(process.execPath, [LEAVING_CLIENT, formatAddress(proxy.address)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('ready');
    for (let i = 0; i < 20; i += 1) {
      proxy[how]();
      child.stdin.write(`${i}\n`);
      expect((await lines.next()).value).toBe(String(i));
    }
    child.stdin.end();
    expect(JSON.parse((await lines.next()).value as string)).toEqual([]);
    await once(child, 'exit');
  });
});
