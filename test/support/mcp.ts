import { fileURLToPath } from 'node:url';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { onTestFinished } from 'vitest';
import { RunletClientTransport, type RunletTransportOptions } from '../../src/mcp/index.ts';
import { connectTo } from './client.ts';
import { startHarness } from './harness.ts';
import { Waiters } from './waiters.ts';

/** How the server of `stdio-server.mjs` is run. */
export const STDIO_SERVER: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL('./stdio-server.mjs', import.meta.url)),
];

/** A transport, and all that came of it so far. */
export interface Rig {
  readonly transport: RunletClientTransport;
  readonly messages: readonly JSONRPCMessage[];
  readonly errors: readonly Error[];
  /** What was called back, in order: `message`, `error`, `close`. */
  readonly calls: readonly string[];
  /** What it wrote to standard error. */
  stderr(): string;
  /** Sends a request whose id is its method unless said. */
  ask(method: string, params?: Record<string, unknown>, id?: string): Promise<void>;
  /** The same for one that ends the transport, which may come before it is known to be sent. */
  askLast(method: string, params?: Record<string, unknown>): Promise<void>;
  /** Resolves when the condition holds, looking whenever something came. */
  until(condition: () => boolean): Promise<void>;
  /** The result of the message with this id, once it has come. */
  result(id: string): Promise<unknown>;
  closed(): Promise<void>;
}

/** The options of a transport but for what it runs. */
export type RigOptions = Omit<RunletTransportOptions, 'argv' | 'onStderr' | 'session' | 'address'> &
  Pick<RunletTransportOptions, 'session' | 'address'>;

/** Makes a transport for the server that does what it is told; it is closed with the test. */
export function makeRig(options: RigOptions): Rig {
  const messages: JSONRPCMessage[] = [];
  const errors: Error[] = [];
  const calls: string[] = [];
  const waiters = new Waiters();
  let stderr = '';
  const transport = new RunletClientTransport({
    argv: STDIO_SERVER,
    ...options,
    onStderr: (chunk) => {
      stderr += chunk.toString();
      waiters.look();
    },
  } as RunletTransportOptions);
  const called = (name: string): void => {
    calls.push(name);
    waiters.look();
  };
  transport.onmessage = (message) => {
    messages.push(message);
    called('message');
  };
  transport.onerror = (error) => {
    errors.push(error);
    called('error');
  };
  transport.onclose = () => called('close');
  onTestFinished(() => transport.close());
  const answered = (id: string) =>
    messages.find((message) => 'id' in message && message.id === id && 'result' in message);
  const ask = (method: string, params: Record<string, unknown> = {}, id = method): Promise<void> =>
    transport.send({ jsonrpc: '2.0', id, method, params });
  return {
    transport,
    messages,
    errors,
    calls,
    stderr: () => stderr,
    ask,
    async askLast(method, params) {
      await ask(method, params).catch((error: unknown) => {
        if (error !== errors.at(-1)) throw error;
      });
    },
    until: (condition) => waiters.until(condition),
    async result(id) {
      await waiters.until(() => answered(id) !== undefined);
      return (answered(id) as { readonly result: unknown }).result;
    },
    closed: () => waiters.until(() => calls.includes('close')),
  };
}

/** A transport that was started, in a session of a server of its own. */
export async function startRig(options: Partial<RigOptions> = {}): Promise<Rig> {
  const { address } = await startHarness();
  const session = await connectTo(address).session();
  const rig = makeRig({ session, ...options } as RigOptions);
  await rig.transport.start();
  return rig;
}
