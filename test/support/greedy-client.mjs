// A caller as a process of its own that asks for more than it may have, over and over, until it is
// killed. Arguments: address, how many calls at a time. Writes a line when it was first refused.
import { setPriority } from 'node:os';
import process from 'node:process';
import { status } from '@grpc/grpc-js';
import { parseAddress } from '../../dist/address.js';
import { createClient } from '../../dist/bridge/create-client.js';
import { openConnection } from '../../dist/client/connection.js';
import { ProcessService } from '../../dist/gen/runlet/v1/process_pb.js';
import { SessionService } from '../../dist/gen/runlet/v1/session_pb.js';

// What it takes of the machine itself is not to be measured: it could be another.
setPriority(10);

const [address = '', atOnce = '1'] = process.argv.slice(2);
const connection = openConnection(parseAddress(address));
const sessions = createClient(SessionService, connection);
const processes = createClient(ProcessService, connection);
const spec = { argv: ['/bin/true'], env: { LARGE: 'x'.repeat(100) } };

async function run() {
  for await (const _ of processes.run({ spec })) {
    // Nothing is done with what it prints.
  }
}

let refused = false;
async function greed() {
  for (let i = 0; ; i++) {
    try {
      await (i % 2 === 0 ? sessions.createSession({}) : run());
    } catch (error) {
      if (error.code !== status.RESOURCE_EXHAUSTED) throw error;
      if (!refused) process.stdout.write('refused\n');
      refused = true;
    }
  }
}

await Promise.all(Array.from({ length: Number(atOnce) }, greed));
