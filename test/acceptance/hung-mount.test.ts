import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { connect } from '../../src/client/index.ts';
import { connectTo, errorOf } from '../support/client.ts';
import { temporaryFolder } from '../support/harness.ts';
import { mountHung } from '../support/hung-mount.ts';
import { serve } from '../support/served.ts';

/** More than libuv's pool has threads. */
const MANY = 6;

describe.runIf(process.platform === 'linux')('starts on a mount that does not answer', () => {
  it('fail, and hold up neither others, nor their ends, nor that of the server', async (test) => {
    const served = await serve('--launcher', 'posix_spawn', '--grace', '0');
    const folder = join(await temporaryFolder(), 'mount');
    await mkdir(folder);
    const why = await mountHung(folder);
    if (why !== undefined) test.skip(`no mount that hangs: ${why}`);
    const client = connectTo(served.address);
    const other = connect(formatAddress(served.address));
    const session = await client.session();
    const sleeping = await session.start({ argv: ['/bin/sleep', '1000'], cwd: '/' });
    const hung = Array.from({ length: MANY }, () => errorOf(client.run(['true'], { cwd: folder })));
    // Those that have all that is needed go on, more of them than there are threads.
    for (let i = 0; i < MANY; i++) {
      expect((await other.run(['true'], { cwd: '/' })).code).toBe(0);
    }
    // Of those that came after the first the file system is known not to answer.
    const { message } = await Promise.race(hung);
    expect(message).toMatch(/does not answer: ETIMEDOUT/);
    // What is left of a process that ended is found out though a launch is under way.
    await sleeping.terminate({ graceMs: 0 });
    expect((await sleeping.closed).reason).toBe('terminated');
    const exited = once(served.child, 'exit');
    served.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await Promise.all(hung);
    await other.close();
    // Nothing of it keeps its socket.
    await expect(serve()).resolves.toBeDefined();
  });
});
