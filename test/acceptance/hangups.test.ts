import type { ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Client, credentials, Metadata } from '@grpc/grpc-js';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Address, parseAddress } from '../../src/address.ts';
import { createClient } from '../../src/bridge/create-client.ts';
import { openConnection } from '../../src/client/connection.ts';
import { clientSettings } from '../../src/client/options.ts';
import { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { ProcessService, StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import { attach } from '../support/attach.ts';
import { linesOf } from '../support/audited.ts';
import { certify, type Identity, makeAuthority } from '../support/certificates.ts';
import { spawnCli } from '../support/cli.ts';
import { isStdout, outputOf, readUntil } from '../support/events.ts';
import { firstLinesOf } from '../support/first-line.ts';
import { listening } from '../support/forwarding.ts';
import { type Clients, temporaryFolder } from '../support/harness.ts';
import { CALL_KINDS, type CallPlace } from '../support/kinds-of-calls.ts';
import { PATH } from '../support/shell.ts';
import { shakeHands, tlsFolder, trusting } from '../support/tls.ts';
import { linedToken } from '../support/token-server.ts';
import { startWebServer } from '../support/web-server.ts';

const HANGUPS = 50;

/** Calls that succeed between two of them, at least. */
const CALLS_BETWEEN = 5;

/** Actions of which no two have a process and a detail in common. */
const ONCE: readonly string[] = ['StartProcess', 'Run', 'Interact', 'WriteFile', 'RemoveFile'];

let authority: Identity;
let pairs: readonly Identity[];

beforeAll(async () => {
  authority = await makeAuthority('authority');
  const made = Array.from({ length: 4 }, (_, i) => certify(`server ${i}`, authority));
  pairs = await Promise.all(made);
});

const fingerprint = ({ certificate }: Identity): string =>
  new X509Certificate(certificate).fingerprint256;

/** The files of a server, each of which is put in its place at once. */
async function filesOf(token: string) {
  const folder = await temporaryFolder();
  const at = (name: string): string => join(folder, name);
  const put = async (name: string, text: string): Promise<void> => {
    await writeFile(at(`${name}.new`), text, { mode: 0o600 });
    await rename(at(`${name}.new`), at(name));
  };
  const replace = async (round: number): Promise<void> => {
    await put('tokens', `# ${round}\n${token}\n${linedToken(`other-${round}`).line}\n`);
    await put(
      'policy.yaml',
      `principals: [{ match: '*', limits: { max_principal_sessions: ${100 + round} } }]\n`,
    );
    await put('profiles.yaml', `profiles: { p${round}: { rules: [] } }\n`);
    await put('metrics-token', metricsToken(round));
  };
  await replace(0);
  return { folder, at, put, replace };
}

const metricsToken = (round: number): string => `metrics-token-${round}`.padEnd(32, '-');

/** A server with all of them, as a process of its own without a terminal. */
async function serveFiles(flags: readonly string[]) {
  const child = spawnCli(['serve', ...flags], {
    // A hangup ends one that has a terminal.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close');
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [first = '', second = ''] = await firstLinesOf(child, 2).catch(async () => {
    await exited;
    throw new Error(log);
  });
  return {
    child,
    exited,
    log: () => log,
    address: parseAddress(first.replace('runlet listening on ', '')),
    metrics: `http://${second.replace('runlet metrics on ', '')}/metrics`,
  };
}

/** Somebody with a token, over a connection that is not made again where it breaks. */
function callerAt(address: Address, token: string): Clients {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  const bearing = credentials.createFromMetadataGenerator((_, done) => done(null, metadata));
  const both = credentials.combineChannelCredentials(trusting(authority), bearing);
  const connection: Client = openConnection(address, clientSettings({ credentials: both }));
  return {
    connection,
    sessions: createClient(SessionService, connection),
    processes: createClient(ProcessService, connection),
    files: createClient(FileService, connection),
    server: createClient(ServerService, connection),
  };
}

/** What sends back what it is sent. */
function startEcho(): Promise<number> {
  return listening(createServer((socket) => socket.pipe(socket)));
}

/** Streams that are open all the while; resolves with a look whether they still are. */
async function openStreams(place: CallPlace): Promise<() => Promise<void>> {
  const { processes, sessionId } = place;
  const attached = await attach(place, sessionId);
  const spec = { argv: ['cat'], env: { PATH }, stdin: StdinMode.PIPE };
  const { process } = await processes.startProcess({ sessionId, spec });
  const target = { sessionId, processId: process?.processId ?? '' };
  const watch = processes.watchProcess(target)[Symbol.asyncIterator]();
  return async () => {
    await processes.writeStdin({ ...target, data: Buffer.from('still there') });
    expect(outputOf(await readUntil(watch, isStdout)).toString()).toBe('still there');
    await attached.detach();
  };
}

const hangUp = (child: ChildProcess): boolean => child.kill('SIGHUP');

it('50 hangups under load fail no call, and no line of the audit is lost or there twice', async () => {
  const ada = linedToken('ada');
  const files = await filesOf(ada.line);
  const { files: tls, put: putTls } = await tlsFolder({
    cert: pairs[0]?.certificate ?? Buffer.alloc(0),
    key: pairs[0]?.key ?? Buffer.alloc(0),
  });
  const audit = files.at('audit.jsonl');
  const { address, child, exited, log, metrics } = await serveFiles([
    ...['--listen', '127.0.0.1:0', '--auth', 'token', '--token-file', files.at('tokens')],
    ...['--tls-cert', tls.cert, '--tls-key', tls.key],
    ...['--policy', files.at('policy.yaml'), '--sandbox-profiles', files.at('profiles.yaml')],
    ...['--audit', audit, '--audit-required', '--state-dir', files.at('state'), '--grace', '1'],
    ...['--metrics', '127.0.0.1:0', '--metrics-token-file', files.at('metrics-token')],
  ]);
  const scrape = async (round: number): Promise<number> => {
    const headers = { authorization: `Bearer ${metricsToken(round)}` };
    return (await fetch(metrics, { headers })).status;
  };

  const told = new Map<string, number>();
  const count = (action: string): void => void told.set(action, (told.get(action) ?? 0) + 1);
  const upstream = await startWebServer();
  const folder = files.at('made');
  await mkdir(folder);
  const clients = callerAt(address, ada.token);
  onTestFinished(() => clients.connection.close());
  const { session } = await clients.sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  for (const action of ['Login', 'CreateSession', 'StartProcess']) count(action);
  const place = {
    ...clients,
    sessionId,
    folder,
    upstream: upstream.url,
    echoPort: await startEcho(),
  };
  const areStreamsOpen = await openStreams(place);

  let isOver = false;
  let calls = 0;
  const loads = Object.entries(CALL_KINDS).map(async ([name, kind]) => {
    for (let turn = 0; !isOver; turn += 1) {
      for (const action of await kind(place, `${name}-${turn}`)) count(action);
      calls += 1;
    }
  });
  const connecting = async (): Promise<void> => {
    while (!isOver) {
      const { connection, server } = callerAt(address, ada.token);
      await server.getServerInfo({});
      count('Login');
      connection.close();
    }
  };
  const moved: string[] = [];
  const hangUps = async (): Promise<void> => {
    for (let round = 1; round <= HANGUPS; round += 1) {
      await files.replace(round);
      const pair = pairs[round % pairs.length];
      if (pair !== undefined) await putTls({ cert: pair.certificate, key: pair.key });
      const to = files.at(`audit.${round}`);
      await rename(audit, to);
      moved.push(to);
      hangUp(child);
      // Both were read again.
      await expect.poll(() => existsSync(audit), { interval: 1 }).toBe(true);
      await expect.poll(() => scrape(round), { interval: 1 }).toBe(200);
      const before = calls;
      await expect.poll(() => calls, { interval: 1 }).toBeGreaterThan(before + CALLS_BETWEEN);
    }
  };
  const all = [...loads, connecting(), connecting()];
  await Promise.race([hangUps(), ...all]).finally(() => {
    isOver = true;
  });
  await Promise.all(all);
  await areStreamsOpen();

  const last = pairs[HANGUPS % pairs.length];
  const shown = async (): Promise<string | undefined> => {
    const socket = shakeHands(address);
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerX509Certificate()?.fingerprint256;
    socket.destroy();
    return certificate;
  };
  await expect.poll(shown).toBe(last && fingerprint(last));

  // What cannot be read again is named, and what was there before stays in force.
  await files.put('metrics-token', 'short');
  moved.push(files.at('audit.last'));
  await rename(audit, files.at('audit.last'));
  await mkdir(audit);
  hangUp(child);
  const failed = '"msg":"could not be read again; what was before stays in force"';
  await expect.poll(() => log().split(failed).length - 1).toBe(2);
  for (const what of ['the token of metrics', 'the file of the audit']) {
    expect(log()).toContain(`"what":"${what}",${failed}`);
  }
  expect(await scrape(HANGUPS)).toBe(200);
  await clients.server.getServerInfo({});
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  count('EndSession');

  const lines = moved.flatMap(linesOf);
  expect(lines.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
  const counts = new Map<string, number>();
  for (const { action } of lines) counts.set(`${action}`, (counts.get(`${action}`) ?? 0) + 1);
  expect(counts).toEqual(told);
  const apart = lines
    .filter(({ action }) => ONCE.includes(`${action}`))
    .map(({ action, detail, process_id }) => `${action} ${process_id} ${detail}`);
  expect(new Set(apart).size).toBe(apart.length);
  expect(log()).not.toContain('missing');
});
