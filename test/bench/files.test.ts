import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeFile, makeFolder } from '../../bench/files/material.mjs';
import { carryBothWays } from '../../bench/files/measure.mjs';
import { FILE_WAYS, FOLDER_WAYS } from '../../bench/files/ways.mjs';
import { startRunlet } from '../../bench/servers/runlet.mjs';
import { temporaryFolder } from '../support/harness.ts';

/** Much more than a server would have of it that keeps a few pieces. */
const MIB = 256;
const FILES = 2_000;

/** What a stream may cost, with the code that is compiled for it and threads that begin. */
const MAX_GROWN_MIB = 192;

describe('the benchmark of files', () => {
  it('carries a file both ways whole, and the server keeps next to none of it', async () => {
    const folder = await temporaryFolder();
    await makeFile(join(folder, 'file'), MIB);
    const server = await startRunlet();
    onTestFinished(() => server.stop());
    const carried = await carryBothWays(server, FILE_WAYS, join(folder, 'file'), folder);
    expect(carried.map(({ direction, way }) => `${way} ${direction}`)).toEqual([
      ...['cp up', 'cp down', 'client up', 'client down', 'cat up', 'cat down'],
    ]);
    const grown = carried.filter(({ way }) => way !== 'cat').map(({ grownMib }) => grownMib);
    expect(Math.max(...grown)).toBeLessThan(MAX_GROWN_MIB);
  });

  it('carries a folder of many small files both ways whole', async () => {
    const folder = await temporaryFolder();
    await makeFolder(join(folder, 'tree'), FILES);
    await mkdir(join(folder, 'out'));
    const server = await startRunlet();
    onTestFinished(() => server.stop());
    const carried = await carryBothWays(
      server,
      FOLDER_WAYS,
      join(folder, 'tree'),
      join(folder, 'out'),
    );
    expect(carried).toHaveLength(4);
  });
});
