import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer as createHttp1 } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTls } from 'node:tls';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { formatAddress } from '../../../src/address.ts';
import { parseWords } from '../../../src/cli/parse-words.ts';
import { describeConnectError } from '../../../src/cli/why-unreachable.ts';
import { narrow } from '../../../src/identity/tokens/make-token.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { MAIN, resultOf } from '../../support/cli.ts';
import { connectTo } from '../../support/client.ts';
import { serveHere, temporaryFolder } from '../../support/harness.ts';
import { linedToken } from '../../support/token-server.ts';
import { OF_FILES } from './of-files.ts';
import { ALONE, NO_SERVER, NOT_FOUND, NOT_POSSIBLE, type Refused } from './refused.ts';
import { WRONG_WORDS } from './wrong-words.ts';

/*
 * Every message of the command line, called as a function: a process for each of so many would
 * take minutes. What takes one is in test/acceptance.
 */

const { printed } = vi.hoisted(() => ({ printed: [] as string[] }));

vi.mock('../../../src/cli/standard-output.ts', () => ({
  standardOutput: (fd: number) => ({
    write: async (data: Uint8Array) =>
      void (fd === 2 && printed.push(Buffer.from(data).toString())),
  }),
  isWritingInThread: () => false,
}));

// It would replace this process where one of these is in its environment.
vi.mock('../../../src/cli/own-variables.ts', () => ({ hideOwnVariables: () => {} }));

/** A session that is nowhere. */
const SESSION = '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52';

/** What stands for `$NAME` in a line. */
type Names = Readonly<Record<string, string>>;

const filled = (text: string, names: Names): string =>
  text.replace(/\$([A-Z0-9]+)/g, (whole, name: string) => names[name] ?? whole);

/** Does what a line says, and returns its exit code and what it said. */
async function typed(line: string, names: Names = {}): Promise<readonly unknown[]> {
  const words = [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
  printed.length = 0;
  try {
    await parseWords(words.map((word) => filled(word, names)));
    return [process.exitCode, printed.join('')];
  } finally {
    process.exitCode = undefined;
  }
}

/** Who has a server, and what is named in lines. */
async function user(): Promise<Names> {
  const { address } = await serveHere({ limits: { maxSessions: 4 } });
  const folder = await temporaryFolder();
  vi.stubEnv('RUNLET_ADDRESS', formatAddress(address));
  vi.stubEnv('XDG_STATE_HOME', folder);
  vi.stubEnv('XDG_RUNTIME_DIR', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const socket = address.kind === 'unix' ? address.path : '';
  const long = { LONG: 'x'.repeat(129), LONGER: 'x'.repeat(1025) };
  return { FOLDER: folder, SOCKET: socket, ...long };
}

async function withProcesses(): Promise<Names> {
  const names = await user();
  const client = connectTo({ kind: 'unix', path: names['SOCKET'] ?? '' });
  const [one, two, empty] = [
    await client.session(),
    await client.session(),
    await client.session(),
  ];
  for (const id of ['web', 'work', 'twin']) await one.start({ argv: ['sleep', '1000'] }, { id });
  await two.start({ argv: ['sleep', '1000'] }, { id: 'twin' });
  const done = await two.start({ argv: ['true'] }, { id: 'done' });
  const late = await two.start({ argv: ['sleep', '1000'], timeoutMs: 1 }, { id: 'late' });
  await Promise.all([done.closed, late.closed]);
  return { ...names, ONE: one.id, TWO: two.id, EMPTY: empty.id };
}

/** Has a server listen while a test runs; returns its port. */
async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return String((server.address() as AddressInfo).port);
}

/** The ports of servers that are none of runlet. */
async function otherServers(): Promise<Names> {
  const { certificate: cert, key } = await makeAuthority('somebody');
  const grpc = new GrpcServer();
  const port = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  onTestFinished(() => grpc.forceShutdown());
  return {
    HTTP1: await listening(createHttp1()),
    HTTP2: await listening(createHttp2((_, response) => response.writeHead(404).end())),
    TLS: await listening(createTls({ cert, key })),
    CLOSING: await listening(createServer((socket) => socket.end())),
    MAIL: await listening(createServer((socket) => socket.end('220 here\r\n'))),
    GRPC: String(port),
  };
}

/** What is to be found in the folder. */
async function makeFiles(folder: string): Promise<void> {
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  await write('file', '');
  await write('vars', 'A=1\n=x\n');
  await write('script', '#!/bin/sh\n');
  await write('unknown', 'nothing that can be executed');
  await write('orphan', '#!/none\n');
  const { line, token } = linedToken('ci');
  await write('tokens', `${line}\n`);
  await write('token', await narrow(token, { grants: ['observe'] }));
  for (const name of ['unknown', 'orphan']) await chmod(join(folder, name), 0o755);
}

/** What every line does, and what it must. */
async function outcomes(lines: readonly Refused[], names: Names): Promise<readonly unknown[][]> {
  const got: unknown[] = [];
  for (const [line] of lines) got.push([line, ...(await typed(line, names))]);
  return [got, wantedOf(lines, names)];
}

function wantedOf(lines: readonly Refused[], names: Names): unknown[] {
  return lines.map(([line, code, ...said]) => [
    line,
    code,
    said.map((text) => `runlet: ${filled(text, names)}\n`).join(''),
  ]);
}

describe('what is said of words that are wrong', () => {
  it.each(Object.entries(WRONG_WORDS))('leads to the help: %s', async (command, rows) => {
    for (const [line, said] of rows) {
      expect([line, ...(await typed(line))]).toEqual([
        line,
        2,
        `runlet: ${said}; see \`${command} --help\`\n`,
      ]);
    }
  });

  it('is said of a variable that stands for a flag, too', async () => {
    vi.stubEnv('RUNLET_ADDRESS', 'nonsense');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await typed('ps')).toEqual([
      2,
      'runlet: RUNLET_ADDRESS nonsense: expected unix:PATH or HOST:PORT; see `runlet ps --help`\n',
    ]);
  });
});

/** A use of every command that needs a server. */
const USES = [
  'run true',
  'start true',
  'attach',
  'attach some',
  'logs',
  `logs -f --session ${SESSION}`,
  'ps',
  'ps --all',
  'kill',
  'stop some',
  'wait some',
  'inspect some',
  'exec some true',
  'cp /etc/passwd :/x',
  'cp some:/x -',
  'files ls /',
  'files watch /',
  'forward 0:host:80',
  'fetch http://host/',
  'ports',
  'sessions',
  'sessions close',
  'info',
];

describe('where no server is', () => {
  it.each(USES)('runlet %s says so, and how to start one', async (line) => {
    const { FOLDER } = await user();
    const address = `unix:${FOLDER}/none`;
    vi.stubEnv('RUNLET_ADDRESS', address);
    const said = `no server answers at ${address}: there is no such socket; start one with \`runlet serve --listen ${address}\` (UNAVAILABLE)`;
    expect(await typed(line)).toEqual([125, `runlet: ${said}\n`]);
  });
});

describe('a default folder that others can use', () => {
  it('is refused: the server in it may be theirs', async () => {
    const { FOLDER = '' } = await user();
    vi.stubEnv('RUNLET_ADDRESS', '');
    const runtime = join(FOLDER, 'runlet');
    await mkdir(runtime);
    await chmod(runtime, 0o755);
    for (const line of ['start --env PASSWORD=hunter2 true', 'conformance']) {
      const said = [125, `runlet: ${runtime} can be used by other users\n`];
      expect(await typed(line)).toEqual(said);
    }
  });
});

describe('what is said of what cannot be done', () => {
  it('names the server, and why it does not answer', async () => {
    const names = { ...(await user()), ...(await otherServers()) };
    await makeFiles(names['FOLDER'] ?? '');
    const [got, wanted] = await outcomes(NO_SERVER, names);
    expect(got).toEqual(wanted);
  });

  it('names the session or process that is not there', async () => {
    const [got, wanted] = await outcomes(NOT_FOUND, await withProcesses());
    expect(got).toEqual(wanted);
  });

  it('names the program, the folder or the flag', async () => {
    const names = await withProcesses();
    await makeFiles(names['FOLDER'] ?? '');
    const client = connectTo({ kind: 'unix', path: names['SOCKET'] ?? '' });
    const last = NOT_POSSIBLE.findIndex(([line]) => line === 'start true');
    const [got, wanted] = await outcomes(NOT_POSSIBLE.slice(0, last), names);
    expect(got).toEqual(wanted);
    // One more than that may not be.
    await client.session();
    const [rest, wantedRest] = await outcomes(NOT_POSSIBLE.slice(last), names);
    expect(rest).toEqual(wantedRest);
  });

  it('names the file', async () => {
    const names = await withProcesses();
    await makeFiles(names['FOLDER'] ?? '');
    const [got, wanted] = await outcomes(OF_FILES, names);
    expect(got).toEqual(wanted);
  });

  it('names what is wrong with the streams, the folder and the socket', async () => {
    const names = await user();
    const cwd = names['FOLDER'] ?? '';
    await mkdir(join(cwd, 'sub'));
    await writeFile(join(cwd, 'file'), '');
    const got = ALONE.map(async ([line]) => {
      const script = `runlet() { "$NODE" "$MAIN" "$@"; }; ${filled(line, names)}`;
      const env = { ...process.env, NODE: process.execPath, MAIN };
      const { code, stderr } = await resultOf(spawn('sh', ['-c', script], { cwd, env }));
      return [line, code, stderr];
    });
    expect(await Promise.all(got)).toEqual(wantedOf(ALONE, names));
  });

  it('names the socket that one may not connect to', () => {
    const error = Object.assign(new Error('connect'), { code: 'EACCES' });
    expect(describeConnectError(error, { kind: 'unix', path: '/run/runlet.sock' })).toEqual({
      why: 'no permission to connect to the socket /run/runlet.sock',
      isFree: false,
    });
  });
});
