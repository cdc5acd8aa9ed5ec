// Runs many commands, a bounded number of them at a time:
//
//     node examples/many-commands.ts [ADDRESS]
import { connect } from 'runlet/client';
import { withServer } from './lib/server.ts';

const COMMANDS = Array.from({ length: 200 }, (_, i) => ['sh', '-c', `echo $((${i} * ${i}))`]);
const AT_A_TIME = 16;

/** What `run` gives for each of the items, in their order. */
async function mapInParallel<T, R>(
  items: readonly T[],
  atATime: number,
  run: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const worker = async () => {
    for (const [i, item] of left) results[i] = await run(item);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return results;
}

await withServer(async (address) => {
  const client = connect(address);
  try {
    const results = await mapInParallel(COMMANDS, AT_A_TIME, (argv) =>
      client.run(argv, { envPolicy: { inherit: 'core' } }),
    );
    const failed = results.filter(({ code }) => code !== 0);
    const sum = results.reduce((total, { stdout }) => total + Number(stdout), 0);
    console.log(`${results.length} commands, ${failed.length} failed, the sum is ${sum}`);
  } finally {
    await client.close();
  }
});
