import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { onTestFinished } from 'vitest';
import type { RemoteSession } from '../../src/client/index.ts';
import { RunletClientTransport } from '../../src/mcp/index.ts';
import { connectTo, QUICK } from './client.ts';
import { type Harness, startHarness } from './harness.ts';
import { startProxy } from './tcp-proxy.ts';

/** An MCP server of another project, driven by the SDK's own client over a way that can be cut. */
export interface DrivenServer {
  readonly client: Client;
  readonly session: RemoteSession;
  readonly harness: Harness;
  /** How many responses came, by the id of their request. */
  readonly responses: ReadonlyMap<string | number, number>;
  /** The steps that notifications of progress told, in the order in which they came. */
  readonly progress: readonly number[];
  /** What the client was told of as errors. */
  readonly errors: readonly Error[];
  /** Breaks every connection. */
  cut(): void;
  /** Does so when so many bytes have come from the server; resolves when it did. */
  cutAfter(bytes: number): Promise<void>;
}

const require = createRequire(import.meta.url);

/** The programs of MCP servers that are development dependencies. */
const PROGRAMS = {
  everything: require.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
  filesystem: require.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'),
} as const;

/** Starts one and initializes it; it ends with the test. */
export async function driveServer(
  name: keyof typeof PROGRAMS,
  args: (folder: string) => readonly string[] = () => [],
): Promise<DrivenServer> {
  const harness = await startHarness();
  const proxy = await startProxy(harness.address);
  const session = await connectTo(proxy.address, QUICK).session();
  const transport = new RunletClientTransport({
    session,
    argv: [process.execPath, PROGRAMS[name], ...args(harness.folder)],
  });
  const responses = new Map<string | number, number>();
  const progress: number[] = [];
  transport.onmessage = (message: JSONRPCMessage) => {
    if ('method' in message && message.method === 'notifications/progress') {
      progress.push(Number(message.params?.['progress']));
    }
    if ('method' in message || !('id' in message) || message.id === undefined) return;
    responses.set(message.id, (responses.get(message.id) ?? 0) + 1);
  };
  const client = new Client({ name: 'runlet-test', version: '1.0.0' });
  const errors: Error[] = [];
  client.onerror = (error) => void errors.push(error);
  onTestFinished(() => client.close());
  await client.connect(transport);
  return {
    client,
    session,
    harness,
    responses,
    progress,
    errors,
    cut: proxy.cut,
    cutAfter: proxy.cutAfter,
  };
}

/** Calls a tool, and gives the text of its result. */
export async function callTool(
  client: Client,
  name: string,
  args: Record<string, unknown>,
  options: Parameters<Client['callTool']>[2] = {},
): Promise<string> {
  const { content } = await client.callTool({ name, arguments: args }, undefined, options);
  return (content as { readonly type: string; readonly text?: string }[])
    .map(({ text }) => text ?? '')
    .join('');
}
