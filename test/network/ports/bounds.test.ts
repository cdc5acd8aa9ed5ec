import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import {
  MAX_LISTED_PORTS,
  MAX_PORT_DESCRIPTORS,
  MAX_PORT_PROCESSES,
  PORTS_TIME_MS,
} from '../../../src/limits.ts';
import { listPorts, type PortOwner } from '../../../src/network/ports/list-ports.ts';
import type { ProcessScan, ScannedProcess } from '../../../src/process/process-scan.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const { signal } = new AbortController();

/** One to which this program belongs, so many times. */
function ownerOf(id: string, times = 1): PortOwner {
  const tree = {
    runningIn({ byPid }: ProcessScan): ScannedProcess[] {
      const own = byPid.get(process.pid);
      if (own === undefined) throw new Error('this program is not there');
      return Array.from({ length: times }, () => own);
    },
  };
  return { id, tree };
}

/** Listens in this program until the test is over. */
async function listening(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('the ports that one call tells of', () => {
  it('are all where they are few', async () => {
    const port = await listening();
    const { ports, truncated } = await listPorts([ownerOf('p')], systemClock, signal);
    expect(truncated).toBe(false);
    expect(ports).toContainEqual({
      processId: 'p',
      pid: process.pid,
      host: '127.0.0.1',
      port,
      ownNetwork: false,
    });
  });

  it('are so many at most', async () => {
    const wanted = await Promise.all(Array.from({ length: MAX_LISTED_PORTS }, listening));
    const extra = await listening();
    const { ports, truncated } = await listPorts([ownerOf('p')], systemClock, signal);
    expect([ports.length, truncated]).toEqual([MAX_LISTED_PORTS, true]);
    const known = new Set([...wanted, extra]);
    expect(ports.filter(({ port }) => known.has(port)).length).toBeGreaterThan(
      MAX_LISTED_PORTS - 64,
    );
  });

  it('are of so many processes at most', async () => {
    // None of these is looked into: they have no network that can be seen.
    const gone: ScannedProcess = {
      pid: 0,
      parent: 0,
      group: 0,
      session: 0,
      startTime: '0',
      ended: false,
      cpuTicks: 0,
      residentPages: 0,
    };
    let looked = 0;
    const owner = (id: string): PortOwner => ({
      id,
      tree: {
        runningIn() {
          looked += 1;
          return Array.from({ length: MAX_PORT_PROCESSES / 2 }, () => gone);
        },
      },
    });
    const enough = await listPorts([owner('a'), owner('b')], systemClock, signal);
    expect(enough.truncated).toBe(false);
    const owners = [owner('a'), owner('b'), owner('c'), owner('d')];
    looked = 0;
    expect(await listPorts(owners, systemClock, signal)).toEqual({ ports: [], truncated: true });
    expect(looked).toBe(3);
  });

  it('are of so many descriptors of one at most', async () => {
    const port = await listening();
    const descriptors: number[] = [];
    onTestFinished(() => {
      for (const fd of descriptors) closeSync(fd);
    });
    for (let i = 0; i < MAX_PORT_DESCRIPTORS; i++) descriptors.push(openSync('/dev/null', 'r'));
    const { ports, truncated } = await listPorts([ownerOf('p')], systemClock, signal);
    expect(truncated).toBe(true);
    // Those that were opened first are looked at first, and told.
    expect(ports.map((found) => found.port)).toContain(port);
  });

  it('are found in so much time at most, and for who waits for them', async () => {
    const clock = new FakeClock();
    const late: PortOwner = {
      id: 'late',
      tree: {
        runningIn: (scan) => {
          clock.skip(PORTS_TIME_MS);
          return ownerOf('late').tree.runningIn(scan);
        },
      },
    };
    expect(await listPorts([late], clock, signal)).toEqual({ ports: [], truncated: true });
    const aborted = AbortSignal.abort();
    const given = await listPorts([ownerOf('p')], systemClock, aborted);
    expect(given).toEqual({ ports: [], truncated: true });
  });
});
