import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { firstLineOf } from '../support/first-line.ts';
import { MAIN, ROOT } from './support.ts';

/** The proxies whose configuration docs/proxies.md has. */
export type ProxyName = 'haproxy' | 'nginx';

/** Addresses in the configurations: that of the proxy, and those of the servers behind it. */
const FRONT = '127.0.0.1:50050';
const BACK = ['127.0.0.1:50051', '127.0.0.1:50052'] as const;

/** A call, as a server's log has it. */
export interface LoggedCall {
  readonly method: string;
  readonly sessionId?: string;
}

/** What runs, and how to end it. */
export interface Running {
  /** Ends it, and waits for that. */
  stop(): Promise<void>;
}

/** A server that notes which calls it got. */
export interface LoggingServer extends Running {
  readonly address: string;
  /** All that there were, once it was stopped. */
  readonly calls: readonly LoggedCall[];
}

/** The block of a page after the comment `<!-- proxy: NAME -->`. */
export async function configurationIn(page: string, name: ProxyName): Promise<string> {
  const text = await readFile(join(ROOT, page), 'utf8');
  const pattern = new RegExp(`^<!-- proxy: ${name} -->\\n\\n?\`\`\`${name}\\n(.*?)^\`\`\`$`, 'ms');
  const block = pattern.exec(text)?.[1];
  if (block === undefined) throw new Error(`${page} has no configuration of ${name}`);
  return block;
}

/** Starts the built program on a port of its own. */
export async function startLoggingServer(stateFolder: string): Promise<LoggingServer> {
  const listen = ['--listen', '127.0.0.1:0', '--auth', 'none'];
  const child = spawn(process.execPath, [MAIN, 'serve', ...listen, '--state-dir', stateFolder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = stopper(child);
  const calls: LoggedCall[] = [];
  const log = createInterface({ input: child.stderr });
  const logged = once(log, 'close');
  log.on('line', (line) => {
    const entry = JSON.parse(line) as Partial<LoggedCall>;
    if (entry.method !== undefined) calls.push({ ...entry, method: entry.method });
  });
  const line = await firstLineOf(child);
  const address = /^runlet listening on (\S+)$/.exec(line)?.[1];
  if (address === undefined) throw new Error(`not where it listens: ${line}`);
  return {
    address,
    calls,
    stop: async () => {
      await stop();
      await logged;
    },
  };
}

/**
 * Starts a proxy as the page configures it, but for the addresses. It listens on a Unix socket:
 * there is no port that could be somebody else's by then.
 */
export async function startProxy(
  name: ProxyName,
  folder: string,
  socket: string,
  servers: readonly LoggingServer[],
): Promise<Running> {
  const front = name === 'nginx' ? `unix:${socket}` : `unix@${socket}`;
  let configuration = (await configurationIn('docs/proxies.md', name)).replace(FRONT, front);
  for (const [i, address] of BACK.entries()) {
    configuration = configuration.replace(address, servers[i]?.address ?? '');
  }
  await mkdir(folder);
  const file = join(folder, `${name}.conf`);
  await writeFile(file, name === 'nginx' ? asMainFile(configuration, folder) : configuration);
  const args = name === 'nginx' ? ['-p', folder, '-c', file] : ['-db', '-f', file];
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`;
  const child = spawn(name, args, {
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const stop = stopper(child);
  await once(child, 'spawn');
  return { stop };
}

/** A file of nginx around what stands in its `http` block, that keeps everything in a folder. */
function asMainFile(http: string, folder: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return [
    'daemon off;',
    `pid ${folder}/nginx.pid;`,
    'error_log stderr warn;',
    'events {}',
    'http {',
    'access_log off;',
    ...kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`),
    http,
    '}',
  ].join('\n');
}

/** How to end a child: with SIGTERM, unless it has ended. */
function stopper(child: ChildProcess): () => Promise<void> {
  const exited = once(child, 'exit');
  return async () => {
    child.kill('SIGTERM');
    await exited;
  };
}
