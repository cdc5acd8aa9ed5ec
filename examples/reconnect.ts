// Reads the output of a process while its own connection breaks, and misses nothing:
//
//     node examples/reconnect.ts [ADDRESS]
import { createInterface } from 'node:readline';
import { connect } from 'runlet/client';
import { openBreakingProxy } from './lib/breaking-proxy.ts';
import { withServer } from './lib/server.ts';

const SCRIPT = 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; sleep 0.005; done';

await withServer(async (address) => {
  const proxy = await openBreakingProxy(address);
  const client = connect(proxy.address);
  try {
    const session = await client.session();
    const process = await session.start({
      argv: ['sh', '-c', SCRIPT],
      envPolicy: { inherit: 'core' },
    });
    let last = 0;
    for await (const line of createInterface({ input: process.stdout })) {
      if (Number(line) !== last + 1) throw new Error(`${line} came after ${last}`);
      last += 1;
      if (last % 100 === 50) {
        console.log(`line ${last}: the connection breaks`);
        proxy.breakAll();
      }
    }
    const { code } = await process.closed;
    console.log(`${last} lines, each of them once and in order; exit code ${code}`);
    await session.close();
  } finally {
    await client.close();
    proxy.close();
  }
});
