import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BlockPlace } from '../../../src/output/spool/block.ts';
import { mountSmall } from '../../support/small-disk.ts';
import { FaultyFiles } from './faulty-files.ts';
import {
  blockHeader,
  bytesOf,
  openDescriptors,
  spoolFailure,
  stateFolder,
  testSpool,
} from './support.ts';

describe('a disk that is full', () => {
  it('rejects blocks, loses none that it took, and takes more once there is room', async (context) => {
    const folder = join(await stateFolder(), 'disk');
    await mkdir(folder);
    const obstacle = await mountSmall(folder, '1m');
    if (obstacle !== undefined) context.skip(`mounting a tmpfs is not permitted: ${obstacle}`);

    const files = new FaultyFiles();
    const { spool } = await testSpool({ stateFolder: folder, segmentBytes: 256 * 1024, files });
    const log = spool.openLog({ processId: 'p' });
    const taken = new Map<BlockPlace, Buffer>();
    let failure: string | undefined;
    for (let seq = 1; failure === undefined; seq++) {
      const payload = bytesOf(60_000, seq);
      try {
        taken.set(await log.append(blockHeader(seq), [payload]), payload);
      } catch (error) {
        failure = await spoolFailure(Promise.reject(error));
      }
    }
    // Which one depends on whether the disk was full within a file or between two.
    expect(['write/ENOSPC', 'open/ENOSPC']).toContain(failure);
    expect(taken.size).toBeGreaterThan(10);
    for (let i = 0; i < 3; i++) {
      const again = log.append(blockHeader(1000 + i), [bytesOf(100_000, i)]);
      expect(['write/ENOSPC', 'open/ENOSPC']).toContain(await spoolFailure(again));
    }
    for (const [place, payload] of taken) {
      expect((await log.read(place)).equals(payload)).toBe(true);
    }
    const other = spool.openLog({ processId: 'q' });
    for (const place of taken.keys()) log.release(place);
    await files.quiet();
    const place = await other.append(blockHeader(1), [bytesOf(500_000, 1)]);
    expect((await other.read(place)).equals(bytesOf(500_000, 1))).toBe(true);
    await spool.close();
    expect(await openDescriptors(folder)).toEqual([]);
  });
});
