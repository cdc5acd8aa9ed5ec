import { execFile } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { connectTo } from '../support/client.ts';
import { startHarness } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { PATH } from '../support/shell.ts';

const MIB = 1024 * 1024;
const env = { PATH };
const STALLED_READER = fileURLToPath(new URL('../support/stalled-reader.mjs', import.meta.url));

describe('a stream that nobody reads', () => {
  it('does not hold up another process of the client, nor take memory without end', async () => {
    const bytes = 128 * MIB;
    const served = await serve();
    const args = ['--expose-gc', STALLED_READER, formatAddress(served.address), String(bytes)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const result = JSON.parse(stdout) as { grown: number };
    expect(result).toMatchObject({ received: bytes, code: 0, next: true });
    // A window of 4 MiB for each of the streams, and what is on its way through them.
    expect(result.grown).toBeLessThan(96 * MIB);
  });

  it('does not hold up the other stream of the same process', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const argv = ['/bin/sh', '-c', 'head -c 20000000 /dev/zero; printf said >&2'];
    const process = await session.start({ argv, env });
    const stalled = process.stdout[Symbol.asyncIterator]();
    await stalled.next();
    expect(await text(process.stderr)).toBe('said');
    // It goes on where it was.
    let rest = 0;
    for await (const chunk of stalled) rest += (chunk as Buffer).byteLength;
    expect(rest).toBeGreaterThan(19_000_000);
    expect(process.gaps).toEqual([]);
  });

  it('does not hold up the end of the process', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const argv = ['/bin/sh', '-c', 'head -c 20000000 /dev/zero'];
    const process = await session.start({ argv, env });
    await process.stdout[Symbol.asyncIterator]().next();
    expect(await process.closed).toMatchObject({ code: 0, totals: { stdout: 20_000_000 } });
  });

  it('makes a process wait that was to wait for it', async () => {
    const { address } = await startHarness();
    const session = await connectTo(address).session();
    const argv = ['/bin/sh', '-c', 'head -c 40000000 /dev/zero'];
    const options = { overflow: 'pause', retainedBytes: MIB } as const;
    const process = await session.start({ argv, env, ...options });
    const reading = process.stdout[Symbol.asyncIterator]();
    let received = ((await reading.next()).value as Buffer).byteLength;
    expect((await process.info()).state).toBe('running');
    for await (const chunk of reading) received += (chunk as Buffer).byteLength;
    expect(received).toBe(40_000_000);
    expect(process.gaps).toEqual([]);
  });
});
