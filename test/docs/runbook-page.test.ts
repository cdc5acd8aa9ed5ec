import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { formatAddress, parseAddress } from '../../src/address.ts';
import { makeToken } from '../../src/identity/tokens/make-token.ts';
import { attach } from '../support/attach.ts';
import { certify, makeAuthority } from '../support/certificates.ts';
import { MAIN, spawnCli } from '../support/cli.ts';
import { failureOf } from '../support/failure.ts';
import { firstLinesOf } from '../support/first-line.ts';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { startShell } from '../support/shell.ts';
import { pairOf, tlsFolder } from '../support/tls.ts';
import { type Block, readBlocks } from './pages.ts';

/** What each block prints of a server on which some has gone wrong. Empty where nothing has. */
const PRINTS: Readonly<Record<string, RegExp>> = {
  ready: /^ok\nok\n$/,
  warnings: /^(?:\{.*\}\n)*$/,
  calls: /^ +\d+ "method":"\/runlet\.v1\.\w+\/\w+","code":"[A-Z_]+"\n/,
  info: /^address .*^caller +peer:/ms,
  list: /^SESSION .*^PROCESS .*^sleeper /ms,
  children: /^ +PID STAT .*\n.*sleep 1000\n/s,
  disk: /^Filesystem .*\n.*\n.*\nFilesystem .*\n.*\n.*state\n$/,
  memory: /^VmHWM:.*^VmRSS:.*^runlet_max_heap_bytes \d+\n/ms,
  descriptors: /^\d+\nMax open files +\d+ .*\n(?: +\d+ (?:socket|pipe)\n)+/,
  certificate: /^subject=.*server\nnotAfter=.*\n$/,
  refused: /^ +1 "why":".+"\n$/,
  stuck: /^ +PID +PPID STAT /,
  down: /^200\n +PID STAT .*\n.*serve.*\n(?:\{.*\}\n)+$/,
  restarts: /^$/,
  unready: /^ok\n$/,
  faults: /^$/,
  starts: /^ +2 "detail":"none, 0 arguments \(PROGRAM ENOENT\)"\n$/,
  refusals:
    /^ +1 "principal":"peer:\d+"\n +1 "method":"\/runlet\.v1\.SessionService\/CreateSession"\n$/,
  takeovers: /^ +1 "session_id":"[0-9a-f-]{36}"\n +1 "principal":"peer:\d+"\n$/,
  spool: /^Filesystem /,
  threads: /^top - .*\n[\d.]+ /s,
  logins: /^ +1 "detail":".+"\n$/,
  denials: /^(?: +\d+ "(?:principal|action|reason)":"\S+"\n)+$/,
  audit: /^-rw------- .*audit\.jsonl\n\{"time":.*\}\n$/,
};

const NAMES = Object.keys(PRINTS);

/** What the commands know, and a server behind it. */
async function surroundings(): Promise<NodeJS.ProcessEnv> {
  const folder = await temporaryFolder();
  const { files } = await tlsFolder(pairOf(await certify('server', await makeAuthority('all'))));
  const [audit, log, state, tokens] = ['audit.jsonl', 'serve.log', 'state', 'tokens'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  const bob = makeToken();
  await writeFile(tokens, `bob ${bob.publicKey} observe\n`, { mode: 0o600 });
  const logFile = await open(log, 'a');
  const socket = `unix:${join(folder, 'runlet.sock')}`;
  const child = spawnCli(
    [
      ...['serve', '--listen', `${socket},auth=peer`, '--listen', '127.0.0.1:0,auth=token,tls=off'],
      ...['--listen', '127.0.0.1:0,auth=none', '--tls-cert', files.cert, '--tls-key', files.key],
      ...['--token-file', tokens, '--audit', audit, '--state-dir', state],
      ...['--metrics', '127.0.0.1:0', '--max-sessions', '1', '--grace', '1'],
    ],
    { stdio: ['ignore', 'pipe', logFile.fd] },
  );
  await logFile.close();
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const [, tcp = '', , metrics = ''] = (await firstLinesOf(child, 4)).map((line) =>
    line.replace(/^runlet .* on /, ''),
  );
  const env = {
    ...process.env,
    ...{ AUDIT: audit, LOG: log, STATE: state, CERT: files.cert, METRICS: `http://${metrics}` },
    ...{ NODE: process.execPath, MAIN, PID: String(child.pid), LC_ALL: 'C' },
    ...{ RUNLET_ADDRESS: formatAddress(parseAddress(socket)), XDG_STATE_HOME: folder },
  };
  await goWrong(socket, tcp, bob.token);
  return env;
}

/** Has calls refused, denied and fail, and a session taken over. */
async function goWrong(socket: string, tcp: string, token: string): Promise<void> {
  const clients = connectClients(parseAddress(socket));
  const { processes, sessions } = clients;
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  await failureOf(sessions.createSession({}));
  const first = await attach(clients, sessionId);
  await attach(connectClients(parseAddress(socket)), sessionId);
  await failureOf(first.toEnd());
  await startShell({ processes, sessionId }, 'exec sleep 1000', {}, 'sleeper');
  for (let i = 0; i < 2; i += 1) {
    await failureOf(processes.startProcess({ sessionId, spec: { argv: ['/none'] } }));
  }
  const { sessions: others } = connectClients(parseAddress(tcp));
  await failureOf(others.listSessions({}));
  const metadata = { authorization: `Bearer ${token}` };
  await failureOf(others.createSession({}, { metadata }));
}

function scriptOf({ commands }: Block): string {
  return `runlet() { "$NODE" "$MAIN" "$@"; }; ${commands}`;
}

it('the commands of the runbook show what they are to', { timeout: 600_000 }, async () => {
  const blocks = (await readBlocks('docs/runbook.md')).filter(({ kind }) => kind === 'runbook');
  expect(blocks.map(({ name }) => name).sort()).toEqual([...NAMES].sort());
  const env = await surroundings();
  for (const block of blocks) {
    const said = await promisify(execFile)('sh', ['-euc', scriptOf(block)], { env });
    expect(said.stdout, block.name).toMatch(PRINTS[block.name ?? ''] ?? /^nothing$/);
    expect(said.stderr, block.name).toBe('');
  }
});
