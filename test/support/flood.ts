import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Address } from '../../src/address.ts';
import { workBeside } from './beside.ts';
import { type Holdings, holdingsAtRest, type Served, serve } from './served.ts';

const MIB = 1024 * 1024;

/** How much more memory a server may have after a flood, of which some are its first of a kind. */
const MORE_BYTES = 128 * MIB;

/** The same while it goes on: what calls may hold, and what was not collected yet. */
const MORE_PEAK_BYTES = 512 * MIB;

/** A server, over two more listeners of which one lets in nobody, and one everybody. */
export interface Flooded {
  readonly served: Served;
  readonly nobody: Address;
  readonly anybody: Address;
  /** That which the flags name. */
  readonly other: Address | undefined;
}

/** How a server is flooded. */
export interface FloodOptions {
  /** More of the server, which may name one more listener. */
  readonly flags?: readonly string[];
  /** How much more memory it may have afterwards. Default: 128 MiB. */
  readonly moreBytes?: number;
}

/**
 * Floods a server while somebody works beside, and looks whether all is as it was, and whether it
 * took much more memory meanwhile.
 */
export async function flood(
  attack: (flooded: Flooded) => Promise<void>,
  { flags = [], moreBytes = MORE_BYTES }: FloodOptions = {},
): Promise<void> {
  const more = [
    '--listen',
    '127.0.0.1:0,tls=off,health',
    '--listen',
    '127.0.0.1:0,tls=off,auth=none',
    ...flags,
  ];
  const served = await serve(...more);
  const [nobody, anybody, other] = served.others;
  if (nobody === undefined || anybody === undefined) throw new Error('it listens at fewer');
  await workBeside(served.address).end();
  const before = await holdingsAtRest(served);
  const beside = workBeside(served.address);
  await attack({ served, nobody, anybody, other });
  await beside.end();
  expect(peakOf(served)).toBeLessThan(before.rss + MORE_PEAK_BYTES);
  expect(served.child.exitCode ?? served.child.signalCode).toBeNull();
  const descriptors = async (): Promise<number> => (await served.holdings()).descriptors;
  // That of the client beside is closed by the end of the test.
  await expect.poll(descriptors).toBeLessThanOrEqual(before.descriptors + 1);
  const after: Holdings = await holdingsAtRest(served);
  expect(after.zombies).toBe(0);
  expect(after.rss).toBeLessThan(before.rss + moreBytes);
}

/** The most resident bytes that it ever had. */
function peakOf({ child }: Served): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
