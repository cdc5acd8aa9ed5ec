import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Address, parseAddress } from '../../src/address.ts';
import { MAIN } from './served.ts';
import { endsWithTest, logOf, serviceFlags } from './service.ts';

const PROGRAM = fileURLToPath(new URL('./pass-sockets.py', import.meta.url));

/** A socket that is made, or what is passed in place of one. */
export type MadeSocket =
  | { readonly kind: 'tcp'; readonly host?: string }
  | { readonly kind: 'unix'; readonly path: string; readonly mode?: number }
  | { readonly kind: 'abstract' | 'packets'; readonly path: string }
  | { readonly kind: 'datagrams' | 'silent' | 'file' };

/** What is told with them. */
export interface Passing {
  /** What `LISTEN_FDNAMES` says. Default: it is not set. */
  readonly names?: string;
  /** What `LISTEN_FDS` says. Default: how many there are. */
  readonly count?: number | string;
  /** Whether the server is started by the process that they were passed to. Default: it is that. */
  readonly forks?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/** Sockets that listen, and a server that does not run yet. */
export interface PassedSockets {
  /** Where they listen; undefined: it is no socket with such an address. */
  readonly addresses: readonly (Address | undefined)[];
  readonly child: ChildProcess;
  readonly log: readonly Record<string, unknown>[];
  /** Starts the server; returns the next so many lines that it prints. */
  begin(lines: number): Promise<readonly string[]>;
  /** Starts the server, which fails; returns its exit code and what it says. */
  fail(): Promise<readonly [number | null, string]>;
}

/** Makes sockets, and passes them to the built program as systemd does. */
export async function passSockets(
  sockets: readonly MadeSocket[],
  flags: readonly string[],
  { env = {}, ...passing }: Passing = {},
): Promise<PassedSockets> {
  const asked = JSON.stringify({ sockets, ...passing });
  const argv = [PROGRAM, asked, MAIN, 'serve', ...(await serviceFlags()), ...flags];
  const child = spawn('python3', argv, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  endsWithTest(child);
  const log = logOf(child);
  const closed = once(child, 'close') as Promise<[number | null]>;
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`it ended: ${JSON.stringify(log)}`);
    return value;
  };
  const where = JSON.parse(await next()) as readonly string[];
  return {
    addresses: where.map((text) => (text === '' ? undefined : parseAddress(text))),
    child,
    log,
    async begin(count) {
      child.stdin.end('\n');
      const found: string[] = [];
      while (found.length < count) found.push(await next());
      return found;
    },
    async fail() {
      child.stdin.end('\n');
      const [code] = await closed;
      return [code, log.map(({ text }) => text).join('\n')];
    },
  };
}
