import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/harness.ts';
import { MAIN } from '../support/served.ts';

/** The top folder of the repository, in which the README's commands are to be typed. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is typed to the commands of a block, where it is anything. */
const TYPED: Readonly<Record<string, string>> = { shell: 'exit\n' };

/** What each block prints. */
const PRINTED: readonly (readonly [string, RegExp])[] = [
  ['start', /^session {2}[0-9a-f-]{36}\nprocess {2}count\n$/],
  ['follow', /^PROCESS .*\ncount +(?:running|exit 0) +.*\n1\n2\n3\n$/],
  ['shell', /^session {2}[0-9a-f-]{36}\nprocess {2}shell\n.*exit\r\n$/s],
  [
    'end',
    /^1\n2\n3\nsession .*\nprocess .*\nSESSION .*\n.* count +exit 0 .*\n.* shell +exit 0 .*\n.* SIGTERM, terminated .*\n$/,
  ],
];

/** The README's blocks of commands after a comment `<!-- walk: NAME -->`. */
async function blocks(): Promise<ReadonlyMap<string, string>> {
  const readme = await readFile(`${ROOT}/README.md`, 'utf8');
  const found = readme.matchAll(/^<!-- walk: (\w+) -->\n```sh\n(.*?)^```$/gms);
  return new Map([...found].map(([, name = '', commands = '']) => [name, commands]));
}

/** Eleven commands, and `npx` before each: on a busy machine seconds for every one of them. */
const TIMEOUT_MS = 600_000;

it('a walk through the README works as it is printed', { timeout: TIMEOUT_MS }, async () => {
  const folder = await temporaryFolder();
  const env = {
    ...process.env,
    XDG_RUNTIME_DIR: folder,
    XDG_STATE_HOME: folder,
    RUNLET_ADDRESS: '',
    // The first `npx runlet` in a clone has npm install the clone into a cache as a link, which
    // runs `prepare`: that builds `dist/` anew under all the tests that are using it.
    npm_config_cache: join(folder, 'npm'),
    npm_config_ignore_scripts: 'true',
  };
  const built = await stat(MAIN);
  const walk = await blocks();
  expect([...walk.keys()]).toEqual(['serve', ...PRINTED.map(([name]) => name)]);
  const server = spawn('sh', ['-euc', walk.get('serve') ?? ''], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(server, 'exit');
  onTestFinished(async () => {
    if (server.exitCode === null) process.kill(-(server.pid ?? 0), 'SIGTERM');
    await ended;
  });
  const listening = once(server.stdout, 'data');
  const [first] = await Promise.race([listening, ended]);
  expect(String(first)).toMatch(/^runlet listening on unix:/);
  for (const [name, printed] of PRINTED) {
    const running = promisify(execFile)('sh', ['-euc', walk.get(name) ?? ''], { cwd: ROOT, env });
    running.child.stdin?.end(TYPED[name] ?? '');
    expect((await running).stdout).toMatch(printed);
  }
  expect((await stat(MAIN)).mtimeMs).toBe(built.mtimeMs);
});
