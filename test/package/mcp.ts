// A program that uses the packed transport with the SDK, as the compiler and Node.js see it.
import { strict as assert } from 'node:assert';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { connect, OptionError } from 'runlet/client';
import { McpTransportError, RunletClientTransport, type RunletTransportOptions } from 'runlet/mcp';

const address = process.argv[2] ?? '';
const SERVER = `
process.stdin.setEncoding('utf8').on('data', (data) => {
  for (const line of data.trim().split('\\n')) {
    const { id, params } = JSON.parse(line);
    if (id === undefined) continue;
    const serverInfo = { name: 'small', version: '1' };
    const result = { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo };
    console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
  }
});`;
const command = [process.execPath, '--eval', SERVER];

const options: RunletTransportOptions = { address, argv: command, inherit: ['TZ'] };
const transport: Transport = new RunletClientTransport(options);
const mcp = new Client({ name: 'consumer', version: '1.0.0' });
await mcp.connect(transport);
assert.equal(mcp.getServerVersion()?.name, 'small');
await mcp.close();

await using client = connect(address);
const session = await client.session();
const inSession = new RunletClientTransport({ session, argv: command });
await inSession.start();
await inSession.close();
await assert.rejects(inSession.send({ jsonrpc: '2.0', method: 'late' }), McpTransportError);

// @ts-expect-error: either a session or an address
assert.throws(() => new RunletClientTransport({ argv: command, session, address }), OptionError);
