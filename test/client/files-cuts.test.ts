import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { RemoteSession } from '../../src/client/index.ts';
import { connectTo, QUICK } from '../support/client.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const MIB = 1024 * 1024;

/** How often the connection is cut in each direction; less often with each other line of Node.js. */
const CUTS = process.env['TEST_NODE_LINE'] === undefined ? 100 : 20;

/** Bytes between two cuts on average. */
const STRIDE = MIB / 2;

/** Half a minute; more where the machine does much else. */
const TIMEOUT_MS = 600_000;

/** Numbers from 0 to less than 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Rig {
  readonly proxy: TcpProxy;
  readonly session: RemoteSession;
  readonly random: () => number;
}

async function startRig(): Promise<Rig> {
  const { address } = await startHarness();
  const proxy = await startProxy(address);
  const session = await connectTo(proxy.address, QUICK).session();
  const seed = Number(process.env['TEST_SEED'] ?? randomBytes(4).readUInt32LE());
  return { proxy, session, random: randomFrom(seed) };
}

/** Cuts the connection again and again, after some bytes each, while something is done. */
async function whileCutting<T>(
  { proxy, random }: Rig,
  from: 'client' | 'server',
  work: () => Promise<T>,
): Promise<{ readonly cuts: number; readonly result: T }> {
  let cuts = 0;
  let isOver = false;
  const cutting = async (): Promise<void> => {
    while (!isOver && cuts < CUTS) {
      await proxy.cutAfter(Math.ceil(random() * 2 * STRIDE), from);
      cuts += 1;
    }
  };
  const cutter = cutting();
  const result = await work();
  isOver = true;
  if (cuts >= CUTS) await cutter;
  return { cuts, result };
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

describe('files of a client whose connection is cut at any moment', { timeout: TIMEOUT_MS }, () => {
  // Whatever is under way when it is cut is sent again in part.
  const content = randomBytes((CUTS * STRIDE * 3) / 2);

  it(`are read whole, ${CUTS} cuts`, async () => {
    const rig = await startRig();
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, content);
    let cuts = 0;
    for (let round = 0; cuts < CUTS; round += 1) {
      const hash = createHash('sha256');
      let bytes = 0;
      const read = async (): Promise<void> => {
        for await (const piece of rig.session.files.read(path)) {
          hash.update(piece as Buffer);
          bytes += (piece as Buffer).length;
        }
      };
      cuts += (await whileCutting(rig, 'server', read)).cuts;
      expect(bytes).toBe(content.length);
      expect(hash.digest('hex')).toBe(sha256(content));
      expect(round).toBeLessThan(10);
    }
  });

  it(`are written whole from a stream, ${CUTS} cuts, with one temporary file`, async () => {
    const rig = await startRig();
    const folder = await temporaryFolder();
    let cuts = 0;
    let most = 0;
    for (let round = 0; cuts < CUTS; round += 1) {
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < content.length; at += 100_000) {
          yield content.subarray(at, at + 100_000);
          if (at % 1_000_000 === 0) most = Math.max(most, (await readdir(folder)).length);
        }
      };
      const path = join(folder, 'file');
      const { cuts: done, result } = await whileCutting(rig, 'client', () =>
        rig.session.files.write(path, Readable.from(pieces())),
      );
      cuts += done;
      expect(Buffer.from(result.sha256).toString('hex')).toBe(sha256(content));
      expect(sha256(await readFile(path))).toBe(sha256(content));
      expect(await readdir(folder)).toEqual(['file']);
      // The one that is replaced in the end, and the one that replaces it.
      expect(most).toBeLessThanOrEqual(2);
      expect(round).toBeLessThan(10);
    }
    await rig.session.close();
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('are appended to once', async () => {
    const rig = await startRig();
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, 'before');
    const large = content.subarray(0, 8 * MIB);
    const { cuts } = await whileCutting(rig, 'client', () =>
      rig.session.files.write(path, large, { disposition: 'append' }),
    );
    expect(cuts).toBeGreaterThan(0);
    const expected = sha256(Buffer.concat([Buffer.from('before'), large]));
    expect(sha256(await readFile(path))).toBe(expected);
  });
});
