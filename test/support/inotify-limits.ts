import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { type Address, parseAddress } from '../../src/address.ts';
import { isOwnVariable } from '../../src/environment/env-policy.ts';
import { firstLineOf } from './first-line.ts';
import { LAUNCHER, temporaryFolder } from './harness.ts';
import { MAIN } from './served.ts';

const run = promisify(execFile);

/** What a user namespace may have of inotify(7), as user_namespaces(7) calls it. */
export interface InotifyLimits {
  readonly max_inotify_instances?: number;
  readonly max_inotify_watches?: number;
}

/** `runlet serve` in a user namespace of its own. */
export interface LimitedServer {
  readonly address: Address;
  readonly pid: number;
  /** Sets other limits. */
  limit(limits: InotifyLimits): Promise<void>;
}

/**
 * Starts the built program where the system has limits for it that are so small, with tokens, one
 * a line, for those who may call; it ends when the test is over. Tells why if it cannot.
 */
export async function serveWithin(
  limits: InotifyLimits,
  tokens: readonly string[],
): Promise<LimitedServer | string> {
  const space = ['--user', '--map-root-user'];
  try {
    await run('unshare', [...space, 'sh', '-c', `${setting({ max_inotify_watches: 1 })}`]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const folder = await temporaryFolder();
  const tokenFile = join(folder, 'tokens');
  await writeFile(tokenFile, tokens.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  const launcher = LAUNCHER === undefined ? [] : ['--launcher', LAUNCHER];
  const args = [
    ...['serve', '--listen', `unix:${join(folder, 'runlet.sock')}`, '--log-level', 'error'],
    ...['--auth', 'token', '--token-file', tokenFile, '--state-dir', join(folder, 'state')],
    ...launcher,
  ];
  const script = `${setting(limits)} && exec "$@"`;
  const child = spawn(
    'unshare',
    [...space, 'sh', '-c', script, 'sh', process.execPath, MAIN, ...args],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOwnVariable(name))),
    },
  );
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const line = await firstLineOf(child);
  const pid = child.pid ?? 0;
  return {
    address: parseAddress(line.replace('runlet listening on ', '')),
    pid,
    async limit(others) {
      await run('nsenter', [
        '--user',
        '--preserve-credentials',
        '--target',
        `${pid}`,
        'sh',
        '-c',
        setting(others),
      ]);
    },
  };
}

function setting(limits: InotifyLimits): string {
  const lines = Object.entries(limits).map(
    ([name, most]) => `echo ${most} >/proc/sys/user/${name}`,
  );
  return ['true', ...lines].join(' && ');
}
