import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectTo } from '../support/client.ts';
import { serveHere } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

const EVERYTHING = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
);

/** A port at which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return address.port;
}

describe('an MCP server that speaks HTTP', () => {
  it('is reached through the session that runs it', async () => {
    const { address } = await serveHere();
    const session = await connectTo(address).session();
    const port = await freePort();
    const started = await session.start({
      argv: [process.execPath, EVERYTHING, 'streamableHttp'],
      env: { PORT: String(port), PATH },
    });
    // It says where it listens as soon as it does.
    for await (const line of createInterface(started.stderr)) {
      if (line.includes(`listening on port ${port}`)) break;
    }
    started.stderr.on('error', () => {});
    const url = new URL(`http://127.0.0.1:${port}/mcp`);
    const client = new Client({ name: 'test', version: '1.0.0' });
    onTestFinished(() => client.close());
    // The types of the SDK's transports do not know `exactOptionalPropertyTypes`.
    const transport = new StreamableHTTPClientTransport(url, { fetch: session.fetch });
    await client.connect(transport as Parameters<Client['connect']>[0]);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('echo');
    const progress: number[] = [];
    const { content } = await client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 1, steps: 4 } },
      undefined,
      { onprogress: ({ progress: step }) => progress.push(step) },
    );
    expect(content).toEqual([{ type: 'text', text: expect.stringContaining('completed') }]);
    expect(progress.length).toBeGreaterThan(0);
    await transport.terminateSession();
    await client.close();
    await session.close();
  });
});
