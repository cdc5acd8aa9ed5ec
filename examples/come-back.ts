// Leaves a process running, and comes back to it as another program would:
//
//     node examples/come-back.ts [ADDRESS]
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { connect } from 'runlet/client';
import { withServer } from './lib/server.ts';

/** All that is needed to come back to a process. */
interface Names {
  readonly sessionId: string;
  readonly processId: string;
}

/** Starts something and leaves. */
async function begin(address: string): Promise<Names> {
  const client = connect(address);
  const session = await client.session({ detachedTtlMs: 60_000 });
  const process = await session.start(
    { argv: ['sh', '-c', 'echo ready; cat'], envPolicy: { inherit: 'core' }, stdin: 'pipe' },
    { id: 'job' },
  );
  await once(process.stdout, 'data');
  await client.close();
  return { sessionId: session.id, processId: process.id };
}

async function goOn(address: string, { processId, sessionId }: Names): Promise<void> {
  const client = connect(address);
  try {
    const session = await client.session({ id: sessionId });
    const { stdin, stdout } = await session.process(processId);
    if (stdin === null || stdout === null) throw new Error('it was started in another way');
    stdin.end('still here\n');
    // From the beginning: what was written before it came is there.
    console.log((await text(stdout)).trimEnd());
    await session.close();
  } finally {
    await client.close();
  }
}

await withServer(async (address) => {
  const names = await begin(address);
  console.log(`left ${names.processId}`);
  await goOn(address, names);
});
