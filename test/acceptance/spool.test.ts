import { once } from 'node:events';
import { open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import { readSegment } from '../../src/output/spool/segment-reader.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import { SOAK } from '../support/soak.ts';
import { MIB, peakResident, readInto, spoolFiles, startIn } from '../support/spooling.ts';
import { Tally } from '../support/tally.ts';

/** What the goal asks for, or what shows the same with a budget that is smaller in proportion. */
const OUTPUT_BYTES = SOAK ? 4096 * MIB : 256 * MIB;
const MEMORY_BYTES = SOAK ? 128 * MIB : 16 * MIB;
const RESIDENT_BYTES = (SOAK ? 300 : 200) * MIB;

/** Prints bytes that cannot be guessed, and their hash to standard error. */
const HASHED = `mkfifo copy; sha256sum < copy >&2 &
  head -c ${OUTPUT_BYTES} /dev/urandom | tee copy; wait`;

describe('a process that prints more than memory may hold, and nobody watching', () => {
  it(
    'costs the server no more memory, and is read to the last byte afterwards',
    async () => {
      const served = await serve(
        `--output-memory=${MEMORY_BYTES}`,
        `--max-retained-bytes=${2 * OUTPUT_BYTES}`,
      );
      const clients = connectClients(served.address);
      const retainedBytes = BigInt(2 * OUTPUT_BYTES);
      const folder = await temporaryFolder();
      const target = await startIn(clients, folder, HASHED, { output: { retainedBytes } });
      const { process } = await clients.processes.waitProcess(target);
      expect(process?.status?.status.value).toBe(0);

      const tally = new Tally();
      let sum = '';
      for await (const { events } of clients.processes.watchProcess(target)) {
        tally.take(events);
        for (const { event } of events) {
          if (event.case === 'output' && event.value.stream === OutputStream.STDERR) {
            sum += Buffer.from(event.value.data).toString();
          }
        }
      }
      expect(tally.total).toBe(BigInt(OUTPUT_BYTES));
      expect(tally.received).toBe(BigInt(OUTPUT_BYTES));
      expect(tally.gaps).toBe(0);
      expect(sum).toContain(tally.digest());
      expect(await peakResident(served.child.pid)).toBeLessThan(RESIDENT_BYTES);
    },
    SOAK ? 900_000 : 600_000,
  );
});

describe('a process that prints more than is retained', () => {
  it('is read as the exact gap and the rest, which add up to what it printed', async () => {
    const served = await serve(`--output-memory=${16 * MIB}`);
    const clients = connectClients(served.address);
    const retained = 64 * MIB;
    const printed = 256 * MIB;
    const folder = await temporaryFolder();
    const script = `head -c ${printed} /dev/urandom | tee copy`;
    const target = await startIn(clients, folder, script, {
      output: { retainedBytes: BigInt(retained) },
    });
    await clients.processes.waitProcess(target);

    const copy = await open(join(folder, 'copy'));
    const reads: Promise<void>[] = [];
    const tally = new Tally(OutputStream.STDOUT, (offset, data) => {
      const read = copy.read(Buffer.alloc(data.byteLength), 0, data.byteLength, offset);
      reads.push(read.then(({ buffer }) => expect(Buffer.compare(buffer, data)).toBe(0)));
    });
    await readInto(tally, clients, target);
    await Promise.all(reads);
    await copy.close();
    expect(tally.total).toBe(BigInt(printed));
    expect(tally.received + tally.missing).toBe(BigInt(printed));
    expect(tally.gaps).toBe(1);
    expect(tally.received).toBeLessThanOrEqual(BigInt(retained));
    expect(tally.received).toBeGreaterThan(BigInt(retained - MIB));
    expect(await peakResident(served.child.pid)).toBeLessThan(200 * MIB);
  });
});

describe('the files of output', () => {
  const LITTLE_MEMORY = `--output-memory=${MIB}`;
  const SCRIPT = `head -c ${8 * MIB} /dev/zero`;

  it("are the server's user's alone", async () => {
    const state = join(await temporaryFolder(), 'state');
    const served = await serve(LITTLE_MEMORY, `--state-dir=${state}`);
    const clients = connectClients(served.address);
    await clients.processes.waitProcess(await startIn(clients, '/', SCRIPT));
    const files = await spoolFiles(state);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect((await stat(dirname(file))).mode & 0o777).toBe(0o700);
    }
  });

  it('go with a process that is evicted', async () => {
    const state = join(await temporaryFolder(), 'state');
    const served = await serve(LITTLE_MEMORY, `--state-dir=${state}`);
    const clients = connectClients(served.address);
    const target = await startIn(clients, '/', SCRIPT);
    await clients.processes.waitProcess(target);
    expect(await spoolFiles(state)).not.toEqual([]);
    await clients.sessions.closeSession(target);
    await expect.poll(() => spoolFiles(state)).toEqual([]);
  });

  it('go with a server that is told to end', async () => {
    const state = join(await temporaryFolder(), 'state');
    const served = await serve(LITTLE_MEMORY, `--state-dir=${state}`);
    const clients = connectClients(served.address);
    await clients.processes.waitProcess(await startIn(clients, '/', SCRIPT));
    const exited = once(served.child, 'exit');
    served.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(await readdir(state)).toEqual([]);
  });

  it('of a server that was killed can be read back when the next one has started', async () => {
    const state = join(await temporaryFolder(), 'state');
    const killed = await serve(LITTLE_MEMORY, `--state-dir=${state}`);
    const clients = connectClients(killed.address);
    await clients.processes.waitProcess(await startIn(clients, '/', SCRIPT));
    const exited = once(killed.child, 'exit');
    killed.child.kill('SIGKILL');
    await exited;
    const folders = async (): Promise<readonly string[]> =>
      (await readdir(state)).filter((name) => name.startsWith('run-'));
    const [left = ''] = await folders();

    const next = await serve(LITTLE_MEMORY, `--state-dir=${state}`);
    expect(await folders()).toHaveLength(2);
    const files = (await readdir(join(state, left))).filter((name) => name.endsWith('.seg'));
    let blocks = 0;
    for (const name of files) {
      for await (const { payload } of readSegment(join(state, left, name))) {
        blocks += Math.sign(payload.byteLength);
      }
    }
    expect(blocks).toBeGreaterThan(0);
    const info = await connectClients(next.address).server.getServerInfo({});
    expect(info.version).not.toBe('');
  });
});
