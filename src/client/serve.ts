import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { checkOptions, isText, isTexts } from './check-options.ts';
import { RunletClientError } from './client-error.ts';

/** How a server is started. Every field may be left out. */
export interface ServeOptions {
  /**
   * Where it listens, `unix:PATH` or `HOST:PORT`; the latter needs `flags: ['--auth', 'none']`.
   * Default: a socket in a folder of its own, which only this user can use.
   */
  readonly listen?: string;
  /** The working directory of processes that name none, an absolute path. Default: this one. */
  readonly cwd?: string;
  /** Further flags of `runlet serve`. Default: none. */
  readonly flags?: readonly string[];
}

/** A server of this program. */
export interface LocalServer {
  /** Where it listens, for `connect`. */
  readonly address: string;
  readonly pid: number;
  /** Ends it, with all that it runs, and resolves when it has ended. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const CHILD = fileURLToPath(new URL('../../dist/client/serve-child.js', import.meta.url));
const PRINTED = 'runlet listening on ';

/**
 * Starts a server as a process of its own, for this program: it ends with it, in whatever way
 * that ends. It does not keep this program from ending, and logs errors to its standard error.
 *
 * @throws RunletClientError `SERVER_NOT_STARTED`; what it said is on standard error
 */
export async function serve(options: ServeOptions = {}): Promise<LocalServer> {
  checkOptions('serve', options, { listen: isText, cwd: isText, flags: isTexts });
  const folder = await mkdtemp(join(tmpdir(), 'runlet-serve-'));
  const listen = options.listen ?? `unix:${join(folder, 'runlet.sock')}`;
  const flags = ['--listen', listen, '--state-dir', join(folder, 'state'), '--log-level', 'error'];
  const child = spawn(
    process.execPath,
    [CHILD, folder, 'serve', ...flags, ...(options.flags ?? [])],
    {
      // Ctrl-C in a terminal is for this program, with which the server ends.
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    },
  );
  child.stdin.on('error', () => {});
  const exited = once(child, 'exit');
  const ended = exited.then(([code, signal]) => {
    const how = signal === null ? `with the exit code ${code}` : `by ${signal}`;
    throw new RunletClientError('SERVER_NOT_STARTED', `the server ended ${how}`);
  });
  ended.catch(() => {});
  const end = async (): Promise<void> => {
    child.stdin.destroy();
    child.ref();
    await exited.catch(() => {});
    await rm(folder, { recursive: true, force: true });
  };
  const { pid } = child;
  try {
    const [line]: readonly unknown[] = await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      ended,
    ]);
    if (pid === undefined) throw new Error('a process that runs has a pid');
    const address = String(line).replace(PRINTED, '');
    child.stdout.destroy();
    child.unref();
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closing ??= end();
      return closing;
    };
    return { address, pid, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await end();
    if (error instanceof RunletClientError) throw error;
    throw new RunletClientError('SERVER_NOT_STARTED', 'the server could not be started', error);
  }
}
