import { mkdir, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import { type Clients, connectClients, temporaryFolder } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { awaitRelease, release, shellSpec, type Target } from '../support/shell.ts';
import { mountSmall } from '../support/small-disk.ts';
import { MIB, readInto, spoolFiles, startIn } from '../support/spooling.ts';
import { Tally } from '../support/tally.ts';

const MEMORY = `--output-memory=${4 * MIB}`;
const PRINTED = 48 * MIB;

/** Reads all of a process, and compares it with the copy that the process made. */
async function readBeside(clients: Clients, target: Target, folder: string): Promise<Tally> {
  const copy = await open(join(folder, 'copy'));
  const reads: Promise<void>[] = [];
  const tally = new Tally(OutputStream.STDOUT, (offset, data) => {
    const read = copy.read(Buffer.alloc(data.byteLength), 0, data.byteLength, offset);
    reads.push(read.then(({ buffer }) => expect(Buffer.compare(buffer, data)).toBe(0)));
  });
  await readInto(tally, clients, target);
  await Promise.all(reads);
  await copy.close();
  expect(tally.total).toBe(BigInt(PRINTED));
  expect(tally.received + tally.missing).toBe(BigInt(PRINTED));
  return tally;
}

async function expectAlive({ processes }: Clients): Promise<void> {
  const tally = new Tally();
  for await (const { events } of processes.run({ spec: shellSpec('echo alive') })) {
    tally.take(events);
  }
  expect(tally.total).toBe(6n);
}

describe('a server whose files of output fail', () => {
  it('goes on in memory with exact gaps where the disk is full', async (context) => {
    const state = join(await temporaryFolder(), 'state');
    await mkdir(state);
    const obstacle = await mountSmall(state, '16m');
    if (obstacle !== undefined) context.skip(`mounting a tmpfs is not permitted: ${obstacle}`);
    const served = await serve(MEMORY, `--state-dir=${state}`);
    const clients = connectClients(served.address);
    const folder = await temporaryFolder();
    const script = `head -c ${PRINTED} /dev/urandom | tee copy`;
    const target = await startIn(clients, folder, script);
    expect((await clients.processes.waitProcess(target)).process?.status?.status.value).toBe(0);
    const tally = await readBeside(clients, target, folder);
    expect(tally.gaps).toBeGreaterThan(0);
    // What the disk took is kept, or was dropped in favor of what is newer.
    expect(tally.received).toBeGreaterThan(BigInt(2 * MIB));
    await expectAlive(clients);
  });

  it('loses nothing when their folder is removed, and makes it anew', async () => {
    const state = join(await temporaryFolder(), 'state');
    const served = await serve(MEMORY, `--state-dir=${state}`);
    const clients = connectClients(served.address);
    const folder = await temporaryFolder();
    const half = PRINTED / 2;
    const script = `head -c ${half} /dev/urandom | tee copy; : > half; ${awaitRelease('go')}
      head -c ${half} /dev/urandom | tee -a copy`;
    const target = await startIn(clients, folder, script);
    await expect.poll(() => stat(join(folder, 'half')).catch(() => undefined)).toBeDefined();
    await expect.poll(() => spoolFiles(state)).not.toEqual([]);
    const runs = async (): Promise<readonly string[]> =>
      (await readdir(state)).filter((name) => name.startsWith('run-'));
    const [run = ''] = await runs();
    await rm(join(state, run), { recursive: true });
    await release({ folder }, 'go');
    await clients.processes.waitProcess(target);
    expect(await readBeside(clients, target, folder)).toMatchObject({ missing: 0n });
    expect(await runs()).toEqual([run]);
    expect(await spoolFiles(state)).not.toEqual([]);
    await expectAlive(clients);
  });

  it('tells the exact gap where they cannot be read', async () => {
    const state = join(await temporaryFolder(), 'state');
    const served = await serve(MEMORY, `--state-dir=${state}`);
    const clients = connectClients(served.address);
    const folder = await temporaryFolder();
    const script = `head -c ${PRINTED} /dev/urandom | tee copy`;
    const target = await startIn(clients, folder, script);
    await clients.processes.waitProcess(target);
    const first = (await spoolFiles(state)).find((path) => path.endsWith('-0.seg')) ?? '';
    const { size } = await stat(first);
    const half = Math.floor(size / 2);
    await truncate(first, half);
    const tally = await readBeside(clients, target, folder);
    expect(tally.missing).toBeGreaterThan(BigInt(half - MIB));
    expect(tally.missing).toBeLessThan(BigInt(half + MIB));
    // What is lost stays lost, and is told of as a whole when it is known.
    const again = await readBeside(clients, target, folder);
    expect(again).toMatchObject({ gaps: 1, missing: tally.missing });
    await expectAlive(clients);
  });
});
