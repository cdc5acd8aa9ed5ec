import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Address, formatAddress } from '../../src/address.ts';
import { Acknowledger } from '../../src/client/acknowledger.ts';
import { Overflow } from '../../src/gen/runlet/v1/process_pb.ts';
import { UNACKNOWLEDGED_BYTES } from '../../src/output/sizes.ts';
import { spawnCli } from '../support/cli.ts';
import { connectTo, QUICK } from '../support/client.ts';
import { collect, outputOf } from '../support/events.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type FaultPlan, startFaultProxy } from '../support/fault-proxy.ts';
import { connectClients, startHarness } from '../support/harness.ts';
import { PATH, shellSpec, startShell } from '../support/shell.ts';
import { SOAK } from '../support/soak.ts';
import { Tally } from '../support/tally.ts';

const MIB = 1024 * 1024;
const WRITTEN = (SOAK ? 1024 : 48) * MIB;
const CUTS = SOAK ? 100 : 10;
/** Less than sockets hold. */
const RETAINED_BYTES = (SOAK ? 128 : 16) * 1024;

/** Bytes after which a connection is cut next: pseudo-random, the same in each run. */
function cuts(most: number): (faults: number) => FaultPlan | undefined {
  let state = 1;
  return (faults) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    const afterBytes = 1 + Math.floor((state / 2 ** 31) * most);
    return faults < CUTS ? { fault: 'cut', direction: 'down', afterBytes, delayMs: 0 } : undefined;
  };
}

/** Prints numbers: what is missing, doubled or out of place makes another sum. */
const SCRIPT = `seq -f %015.0f 1 ${WRITTEN / 16}`;

/** Each gives the sum of what the script printed, as it arrived over connections that are cut. */
const READERS: Readonly<Record<string, (address: Address) => Promise<string>>> = {
  async 'that reads a stream'(address) {
    const session = await connectTo(address, QUICK).session();
    const process = await session.start({
      argv: ['/bin/sh', '-c', SCRIPT],
      env: { PATH },
      overflow: 'pause',
      retainedBytes: RETAINED_BYTES,
    });
    const hash = createHash('sha256');
    for await (const chunk of process.stdout) hash.update(chunk as Buffer);
    expect(process.gaps).toEqual([]);
    return hash.digest('hex');
  },
  async 'that runs a command'(address) {
    const { gaps, stdout } = await connectTo(address, QUICK).run(['/bin/sh', '-c', SCRIPT], {
      env: { PATH },
      retainedBytes: RETAINED_BYTES,
      maxOutputBytes: WRITTEN,
    });
    expect(gaps).toEqual([]);
    return createHash('sha256').update(stdout).digest('hex');
  },
  async 'that is the command line'(address) {
    const child = spawnCli(['run', '--address', formatAddress(address), '--', 'sh', '-c', SCRIPT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const hash = createHash('sha256');
    const exited = once(child, 'exit');
    for await (const chunk of child.stdout ?? []) hash.update(chunk as Buffer);
    expect(await exited).toEqual([0, null]);
    return hash.digest('hex');
  },
};

describe('a process that waits for its readers', () => {
  it.each(Object.keys(READERS))(
    'gives every byte to a client %s, wherever it is cut off',
    {
      timeout: 600_000,
    },
    async (name) => {
      const harness = await startHarness();
      const proxy = await startFaultProxy(harness.address, cuts(WRITTEN / CUTS));
      const arrived = await READERS[name]?.(proxy.address);
      const sum = harness.processes.run({ spec: shellSpec(`${SCRIPT} | sha256sum`) });
      expect(outputOf(await collect(sum)).toString()).toContain(arrived);
      expect(proxy.faults()).toBeGreaterThanOrEqual(CUTS);
    },
  );

  it('does not wait for a reader that left of its own accord', async () => {
    const harness = await startHarness();
    const session = await connectTo(harness.address).session();
    const process = await session.start({
      argv: ['/bin/sh', '-c', `head -c ${8 * MIB} /dev/zero`],
      env: { PATH },
      overflow: 'pause',
      retainedBytes: RETAINED_BYTES,
    });
    const stays = process.events();
    expect((await stays.next()).value).toMatchObject({ kind: 'started' });
    for await (const event of process.events()) if (event.kind === 'output') break;
    // Were it waited for, this would take a minute.
    let bytes = 0;
    for await (const event of stays) if (event.kind === 'output') bytes += event.data.byteLength;
    expect(bytes).toBe(8 * MIB);
    expect(process.gaps).toEqual([]);
  });

  it('loses nothing of a client that acknowledges nothing', { timeout: 600_000 }, async () => {
    const harness = await startHarness();
    const proxy = await startFaultProxy(harness.address, cuts(4 * MIB));
    const output = { retainedBytes: BigInt(RETAINED_BYTES), overflow: Overflow.PAUSE };
    const target = await startShell(harness, `head -c ${WRITTEN} /dev/zero`, { output });
    const tally = new Tally();
    let afterSeq = 0n;
    while (tally.total === undefined) {
      const { processes } = connectClients(proxy.address);
      try {
        for await (const { events } of processes.watchProcess({ ...target, afterSeq })) {
          tally.take(events);
          afterSeq = events.at(-1)?.seq ?? afterSeq;
        }
      } catch {
        // It was cut.
      }
    }
    const total = BigInt(WRITTEN);
    expect(tally).toMatchObject({ gaps: 0, received: total, total });
    expect(proxy.faults()).toBeGreaterThanOrEqual(CUTS);
  });
});

describe('what has come', () => {
  /** Where it is said, and when the answer comes. */
  function acknowledging(): {
    readonly clock: FakeClock;
    readonly said: bigint[];
    readonly acknowledger: Acknowledger;
    answer(): Promise<void>;
  } {
    const clock = new FakeClock();
    const said: bigint[] = [];
    let answer = (): void => {};
    const acknowledger = new Acknowledger(clock, (seq) => {
      said.push(seq);
      return new Promise<void>((_, reject) => {
        // That it failed is no matter: the next one says more.
        answer = () => reject(new Error('cut'));
      });
    });
    return {
      clock,
      said,
      acknowledger,
      answer: () => {
        answer();
        return new Promise(setImmediate);
      },
    };
  }

  it('is said soon, and once for all that came meanwhile', async () => {
    const { acknowledger, answer, clock, said } = acknowledging();
    acknowledger.had(1n, 10);
    acknowledger.had(2n, 10);
    expect(said).toEqual([]);
    clock.advance(1_000);
    expect(said).toEqual([2n]);
    acknowledger.had(3n, 10);
    acknowledger.had(4n, UNACKNOWLEDGED_BYTES);
    expect(said).toEqual([2n]);
    await answer();
    expect(said).toEqual([2n, 4n]);
  });

  it('is said at once where it is much, long before the server waits for that', () => {
    const { acknowledger, clock, said } = acknowledging();
    acknowledger.had(1n, UNACKNOWLEDGED_BYTES / 4);
    expect(said).toEqual([1n]);
    expect(clock.pending).toBe(0);
  });

  it('is not said any more once the reading is over', () => {
    const { acknowledger, clock, said } = acknowledging();
    acknowledger.had(1n, 10);
    acknowledger.stop();
    clock.advance(1_000);
    expect(said).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
