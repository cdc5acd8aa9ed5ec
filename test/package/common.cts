// A program in CommonJS that uses the packed library.
import assert = require('node:assert');
import runlet = require('runlet');
import client = require('runlet/client');

assert.equal(client.connect, runlet.connect);

async function main(): Promise<void> {
  const options: client.ConnectOptions = { connectTimeoutMs: 60_000 };
  const connected: client.RunletClient = client.connect(process.argv[2] ?? '', options);
  const { stdout }: client.RunResult = await connected.run(['/bin/echo', 'hello']);
  assert.equal(stdout.toString(), 'hello\n');
  await connected.close();
}

void main();
