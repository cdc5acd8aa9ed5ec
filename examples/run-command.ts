// Runs a command to its end:
//
//     node examples/run-command.ts [ADDRESS]
import { connect } from 'runlet/client';
import { withServer } from './lib/server.ts';

await withServer(async (address) => {
  const client = connect(address);
  try {
    const result = await client.run(['sh', '-c', 'tr a-z A-Z; echo "in $PWD" >&2; exit 3'], {
      cwd: '/',
      envPolicy: { inherit: 'core' },
      input: 'hello\n',
      timeoutMs: 60_000,
    });
    console.log(`stdout: ${result.stdout}`.trimEnd());
    console.log(`stderr: ${result.stderr}`.trimEnd());
    console.log(`ended: ${result.reason} with the code ${result.code}`);
  } finally {
    await client.close();
  }
});
