import { expect } from 'vitest';
import type { Address } from '../../src/address.ts';
import { createClient } from '../../src/bridge/create-client.ts';
import { openConnection } from '../../src/client/connection.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { collect, outputOf } from './events.ts';
import { connectClients } from './harness.ts';

/** Programs that a client which behaves well has run beside something. */
const MIN_RUNS = 3;

/** A client that behaves well while something happens. */
export interface Beside {
  /** How often it came anew so far. */
  readonly rounds: number;
  /** Goes on for some more rounds, and ends. @throws whatever a call of it failed with */
  end(): Promise<void>;
}

/**
 * Works on a server until it is told to end: it runs programs over a connection that it keeps, and
 * comes anew each time to ask something over one that it does not.
 */
export function workBeside(address: Address): Beside {
  const { processes } = connectClients(address);
  let rounds = 0;
  let over = false;
  const work = (async () => {
    let last = MIN_RUNS;
    while (!over || last > 0) {
      if (over) last -= 1;
      const run = processes.run({ spec: { argv: ['/bin/echo', 'beside'] } });
      expect(outputOf(await collect(run)).toString()).toBe('beside\n');
      const connection = openConnection(address);
      try {
        const { version } = await createClient(ServerService, connection).getServerInfo({});
        expect(version).not.toBe('');
      } finally {
        connection.close();
      }
      rounds += 1;
    }
  })();
  // It is waited for later.
  work.catch(() => {});
  return {
    get rounds() {
      return rounds;
    },
    async end() {
      over = true;
      await work;
    },
  };
}
