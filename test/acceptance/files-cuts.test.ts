import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Address } from '../../src/address.ts';
import { isCallError } from '../../src/client/call-error.ts';
import type { ReadFileEnd } from '../../src/gen/runlet/v1/file_pb.ts';
import { openedSince, ownDescriptors } from '../support/descriptors.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { sha256Of, writeRequests } from '../support/files.ts';
import { connectClients, startHarness, temporaryFolder } from '../support/harness.ts';

const MIB = 1024 * 1024;
const CUTS = 100;
const CONTENT = randomBytes(16 * MIB);

/** A way to a server that is cut so often, each time after some bytes more, and then no more. */
function cutting(target: Address, direction: 'up' | 'down') {
  return startFaultProxy(target, (faults) =>
    faults < CUTS
      ? {
          fault: faults % 2 === 0 ? 'cut' : 'reset',
          direction,
          afterBytes: randomInt(1, MIB),
          delayMs: 0,
        }
      : undefined,
  );
}

/** Does something over new connections until one of them lasts long enough. */
async function untilDone<T>(
  address: Address,
  attempt: (clients: ReturnType<typeof connectClients>) => Promise<T>,
): Promise<T> {
  for (;;) {
    const clients = connectClients(address);
    try {
      return await attempt(clients);
    } catch (error) {
      if (!isCallError(error)) throw error;
    } finally {
      clients.connection.close();
    }
  }
}

describe('a connection that is cut at a hundred random moments', () => {
  it('costs an upload nothing', async () => {
    const harness = await startHarness();
    const { files, sessionId, sessions } = harness;
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    const proxy = await cutting(harness.address, 'up');
    const before = ownDescriptors();
    const uploadId = randomUUID();
    let most = 0;
    const inFolder = (): number =>
      openedSince(before).filter((descriptor) => descriptor.includes(`${folder}/`)).length;
    const written = await untilDone(proxy.address, async (clients) => {
      const known = await files
        .getUpload({ sessionId, uploadId })
        .then(({ acceptedOffset }) => Number(acceptedOffset))
        .catch(() => 0);
      most = Math.max(most, inFolder(), (await readdir(folder)).length);
      const offset = Math.max(0, known - randomInt(MIB));
      const rest = writeRequests({ sessionId, path, uploadId }, CONTENT.subarray(offset), {
        offset,
      });
      return clients.files.writeFile(rest);
    });
    expect(proxy.faults()).toBe(CUTS);
    expect(Buffer.from(written.sha256).equals(sha256Of(CONTENT))).toBe(true);
    expect((await readFile(path)).equals(CONTENT)).toBe(true);
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual(['file']);
    await sessions.closeSession({ sessionId });
    await vi.waitFor(() => expect(inFolder()).toBe(0), 20_000);
  });

  it('costs a download nothing', async () => {
    const harness = await startHarness();
    const { sessionId } = harness;
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    await writeFile(path, CONTENT);
    const before = ownDescriptors();
    const proxy = await cutting(harness.address, 'down');
    const received = Buffer.alloc(CONTENT.length);
    let at = 0;
    let ifVersion = '';
    const end = await untilDone(proxy.address, async ({ files }): Promise<ReadFileEnd> => {
      // Some of it once more, so that a hundred cuts have room in it.
      at = Math.max(0, at - randomInt(MIB));
      for await (const { response } of files.readFile({
        sessionId,
        path,
        offset: BigInt(at),
        ifVersion,
      })) {
        if (response.case === 'file') ifVersion = response.value.version;
        if (response.case === 'end') return response.value;
        if (response.case !== 'data') continue;
        expect(response.value.offset).toBe(BigInt(at));
        received.set(response.value.data, at);
        at += response.value.data.length;
      }
      throw new Error('it ended without its end');
    });
    expect(proxy.faults()).toBe(CUTS);
    expect(received.equals(CONTENT)).toBe(true);
    const last = CONTENT.subarray(CONTENT.length - Number(end.bytes));
    expect(Buffer.from(end.sha256).equals(sha256Of(last))).toBe(true);
    await vi.waitFor(() => {
      expect(openedSince(before).filter((descriptor) => descriptor.includes(folder))).toEqual([]);
    }, 20_000);
  });
});
