import { describe, expect, it } from 'vitest';
import { createLauncher } from '../../src/process/launchers.ts';
import { startHarness } from '../support/harness.ts';

/** Where the native launcher is meant to work. */
const NATIVE = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

describe('GetServerInfo', () => {
  it.skipIf(!NATIVE)('says posix_spawn, with terminals, where nothing was asked for', async () => {
    const { server } = await startHarness({ launcher: createLauncher() });
    expect((await server.getServerInfo({})).capabilities).toMatchObject({
      launcher: 'posix_spawn',
      terminals: true,
    });
  });

  it('says child_process, without terminals, where that was asked for', async () => {
    const { server } = await startHarness({ launcher: createLauncher('child_process') });
    expect((await server.getServerInfo({})).capabilities).toMatchObject({
      launcher: 'child_process',
      terminals: false,
    });
  });
});
