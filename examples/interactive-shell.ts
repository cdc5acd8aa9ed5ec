// A shell on a terminal of the server, joined to this one:
//
//     node examples/interactive-shell.ts [ADDRESS]
import { connect } from 'runlet/client';
import { withServer } from './lib/server.ts';

const { stdin, stdout } = process;

await withServer(async (address) => {
  const client = connect(address);
  try {
    const session = await client.session();
    const shell = await session.start({
      argv: ['sh', '-i'],
      envPolicy: { inherit: 'core' },
      env: { PS1: 'runlet$ ' },
      terminal: { columns: stdout.columns || 80, rows: stdout.rows || 24 },
    });
    stdout.on('resize', () => {
      shell.resize({ columns: stdout.columns, rows: stdout.rows }).catch(() => {});
    });
    // Every key goes there as it is typed, Ctrl-C too.
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.pipe(shell.stdin);
    for await (const chunk of shell.terminal) stdout.write(chunk);
    const { code } = await shell.closed;
    process.exitCode = code ?? 1;
    await session.close();
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    // It would wait for the next key.
    stdin.destroy();
    await client.close();
  }
});
