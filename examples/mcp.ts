// Runs an MCP server on a runlet server, and uses its tools:
//
//     node examples/mcp.ts [ADDRESS]
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { RunletClientTransport } from 'runlet/mcp';
import { withServer } from './lib/server.ts';

const PROGRAM = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'),
);

await withServer(async (address) => {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-mcp-'));
  await writeFile(join(folder, 'note.txt'), 'remember the milk');
  const transport = new RunletClientTransport({
    address,
    argv: [process.execPath, PROGRAM, folder],
    inherit: ['TZ'],
    onStderr: (chunk) => process.stderr.write(chunk),
  });
  const client = new Client({ name: 'example', version: '1.0.0' });
  try {
    await client.connect(transport);
    const { tools } = await client.listTools();
    console.log(`${client.getServerVersion()?.name} has ${tools.length} tools`);
    const { content } = await client.callTool({
      name: 'read_text_file',
      arguments: { path: join(folder, 'note.txt') },
    });
    const [note] = content as { text: string }[];
    console.log(note?.text);
  } finally {
    await client.close();
    await rm(folder, { recursive: true });
  }
});
