import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Address, formatAddress } from '../../src/address.ts';
import { allExamplesOf, type Example } from '../../src/cli/examples.ts';
import { createProgram } from '../../src/cli/program.ts';
import { GRANTS } from '../../src/identity/grants.ts';
import { peerAuthenticator } from '../../src/identity/peer.ts';
import { bearers, granting } from '../support/bearers.ts';
import { certify, makeAuthority, revoke } from '../support/certificates.ts';
import { type CliUser, cliUser } from '../support/cli-user.ts';
import { connectTo } from '../support/client.ts';
import { namedCommands } from '../support/commands.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';
import { MAIN } from '../support/served.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { startWebServer } from '../support/web-server.ts';

const COMMANDS = namedCommands(await createProgram());

/** What examples call a sandbox: it bounds nothing by itself, what is beside it does. */
const WITH_PROFILES = {
  shutdownGraceMs: 0,
  sandboxProfiles: () =>
    new Map([
      [
        'agent',
        {
          rules: [{ at: { place: 'root' }, access: 'write', missingOk: false }],
          network: 'none',
        } as const,
      ],
    ]),
};

/** Commands that need no server, unless one is named. */
const ALONE = ['serve', 'run', 'completion', 'doctor', 'end-leftovers', 'token'];

/** Commands that are about a process; theirs is the last one, is named `build`, and has ended or not. */
const ENDED = ['attach', 'complete', 'exec', 'inspect', 'logs', 'ports', 'ps', 'sessions', 'wait'];
const RUNNING = ['kill', 'stop'];

/** The first command that a line has. */
const firstCommand = (line: string): string => /\brunlet (\S+)/.exec(line)?.[1] ?? '';

const needsServer = (line: string): boolean =>
  !ALONE.includes(firstCommand(line)) || /\$(?:SERVER|SECURE)/.test(line);

/** Whoever tries an example. */
type ExampleUser = CliUser & {
  readonly session?: string;
  readonly secure?: string;
  readonly running?: string;
};

/** Whoever tries an example, and what has to be there for it. */
async function exampleUser(line: string): Promise<ExampleUser> {
  if (!needsServer(line)) return cliUser({ kind: 'unix', path: '/nonexistent' });
  if (line.includes('$SECURE')) return secureUser(line);
  const { address } = await serveHere(WITH_PROFILES);
  return withProcess(line, await cliUser(address), address);
}

/** One who has a token and a certificate, and a server that wants both. */
async function secureUser(line: string): Promise<ExampleUser> {
  const authority = await makeAuthority('authority');
  const server = await certify('server', authority, { hosts: ['localhost'] });
  const client = await certify('me', authority);
  // Whoever connects to the socket is the same caller as the one with the token.
  const uid = process.getuid?.() ?? 0;
  const known = bearers();
  known.add('word', { name: `peer:${uid}`, ...granting(...GRANTS) });
  const address = { kind: 'unix', path: join(await temporaryFolder(), 'runlet.sock') } as const;
  const auth = [known.authenticator, peerAuthenticator({ uids: [uid] })];
  await serveHere({ listeners: [{ address, auth }] });
  const front = await startTlsFront(address, server, authority);
  const user = await cliUser(address);
  const files = {
    token: 'word\n',
    'ca.pem': authority.certificate,
    'cert.pem': client.certificate,
    'key.pem': client.key,
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(user.folder, name), content);
  }
  const secure = formatAddress(front.address);
  return { ...(await withProcess(line, user, address)), secure };
}

async function withProcess(line: string, user: CliUser, address: Address): Promise<ExampleUser> {
  if (line.includes('$RUNNING')) {
    const { process: running } = await user.start('sleep', '1000');
    return { ...user, running };
  }
  if (RUNNING.includes(firstCommand(line))) {
    const { session } = await user.start('--id', 'build', '--label', 'job=build', 'sleep', '1000');
    return { ...user, session };
  }
  if (!ENDED.includes(firstCommand(line)) && !line.includes('$SESSION')) return user;
  const { session: id } = await user.start('--id', 'build', '--', 'echo', 'building');
  const session = await connectTo(address).session({ id, ifAttached: 'share' });
  await (await session.process('build')).closed;
  return { ...user, session: id };
}

/** What an example about TLS finds in its folder. */
async function makeTlsFiles(folder: string): Promise<void> {
  const authority = await makeAuthority('authority');
  const { certificate, key } = await certify('server', authority);
  const write = (name: string, bytes: Buffer): Promise<void> =>
    writeFile(join(folder, name), bytes, { mode: 0o600 });
  await write('tls.crt', certificate);
  await write('tls.key', key);
  await write('ca.crt', authority.certificate);
  await write('ca.crl', await revoke(authority, []));
}

/** Runs an example in a shell, with nothing on its standard input. */
async function startExample(command: string): Promise<ChildProcess> {
  const user = await exampleUser(command);
  if (command.includes('--tls-cert')) await makeTlsFiles(user.folder);
  // By itself, as it is installed: Node.js would take `--env-file` for its own.
  const script = `runlet() { "$MAIN" "$@"; }; ${command}`;
  const env = {
    ...user.env,
    MAIN,
    SERVER: user.env['RUNLET_ADDRESS'],
    SECURE: user.secure,
    SESSION: user.session,
    RUNNING: user.running,
    FOLDER: user.folder,
    URL: command.includes('$URL') ? (await startWebServer()).url : undefined,
    // What needs no server finds none.
    ...(needsServer(command) ? {} : { RUNLET_ADDRESS: '' }),
  };
  const child = spawn('sh', ['-c', script], { env, detached: true });
  child.stdin.end();
  onTestFinished(() => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // All of it has ended.
    }
  });
  return child;
}

/** All that it prints, on both streams. */
function printedBy(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  return () => text;
}

async function tryExample({ code = 0, command, prints }: Example): Promise<void> {
  const child = await startExample(command);
  const printed = printedBy(child);
  const closed = once(child, 'close');
  if (code === null) {
    await expect.poll(printed).toMatch(prints);
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    await closed;
    return;
  }
  expect([(await closed)[0], printed()]).toEqual([code, expect.stringMatching(prints)]);
}

describe.each(COMMANDS.map(({ command, words }) => ({ name: words.join(' '), command })))(
  'the examples of runlet $name',
  ({ command }) => {
    it.each(allExamplesOf(command))('work: $command', tryExample);
  },
);
