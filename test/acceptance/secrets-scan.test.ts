import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Client, Metadata, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Address, formatAddress, parseAddress } from '../../src/address.ts';
import { createClient } from '../../src/bridge/create-client.ts';
import type { CallOptions } from '../../src/bridge/types.ts';
import {
  allOf,
  pieceOf,
  unpacking,
  type WriteOpen,
  writing,
} from '../../src/conformance/file-streams.ts';
import { isOwnVariable } from '../../src/environment/env-policy.ts';
import { ServerReflection } from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { FileService, WriteDisposition } from '../../src/gen/runlet/v1/file_pb.ts';
import { ProcessService, StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import { makeToken } from '../../src/identity/tokens/make-token.ts';
import { failedCall } from '../identity/every-call.ts';
import { collect } from '../support/events.ts';
import { failureOf } from '../support/failure.ts';
import { firstLineOf } from '../support/first-line.ts';
import { type Clients, connectClients, temporaryFolder } from '../support/harness.ts';
import {
  AUDIENCE,
  ISSUER,
  jwksOf,
  keyServer,
  type Signer,
  secondsNow,
  signer,
} from '../support/jwt.ts';
import { findSecrets, plant, type Surface, waysToWrite } from '../support/planted.ts';
import { MAIN, PROBE } from '../support/served.ts';

const METHODS = [
  SessionService,
  ProcessService,
  FileService,
  ServerService,
  ServerReflection,
].flatMap(({ methods }) => methods);

const SECRETS = plant(
  // Those that a client gives, or has a process read.
  ...(['env', 'policy', 'stdin', 'argv', 'label', 'metadata', 'file', 'program', 'cwd'] as const),
  ...(['malformed', 'oversize', 'reader', 'content', 'archive'] as const),
  // Those that say who calls, or where the server has keys from.
  ...(['token', 'claims', 'signature', 'expired', 'basic', 'latin1', 'url'] as const),
  // Those of faults of the server itself.
  ...(['crash', 'uncaught'] as const),
  // Those that are no secret: an id, which the log tells, and the name of a file, which its audit does.
  ...(['id', 'name'] as const),
);

/** Where each may be seen: what a caller has said of its own processes and files, and ids. */
const SEEN = [
  ...['id in the log', 'argv in the listing', 'label in the listing', 'id in the listing'],
  ...['name in the log', 'name in the listing', 'name in an error'],
];

interface Server {
  readonly child: ChildProcess;
  readonly address: Address;
  readonly folder: string;
  readonly log: Promise<string>;
}

/** `runlet serve` that logs all it has to say, and takes JWTs of one issuer, and one token. */
async function serve(one: Signer, publicKey: string): Promise<Server> {
  const folder = await temporaryFolder();
  const tokenFile = join(folder, 'tokens');
  await writeFile(tokenFile, `carol ${publicKey} all\n`, { mode: 0o600 });
  const { url } = await keyServer((_request, response) => void response.end(jwksOf(one)));
  const { origin, pathname } = new URL(url);
  const args = [
    ...['serve', '--listen', '127.0.0.1:0', '--auth', 'jwt,token', '--log-level', 'debug'],
    ...['--token-file', tokenFile],
    ...['--jwks', `${origin}${pathname}?key=${SECRETS.url}`],
    ...['--jwt-issuer', ISSUER, '--jwt-audience', AUDIENCE],
    // Output goes to files.
    ...['--state-dir', join(folder, 'state'), '--output-memory', '64KiB', '--grace', '0'],
  ];
  const env = Object.entries(process.env).filter(([name]) => !isOwnVariable(name));
  const child = fork(MAIN, args, {
    env: Object.fromEntries(env),
    execArgv: ['--import', PROBE],
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const log = child.stderr === null ? Promise.resolve('') : text(child.stderr);
  const line = await firstLineOf(child);
  return { child, folder, log, address: parseAddress(line.replace('runlet listening on ', '')) };
}

/** All that is said by errors, to whoever makes a call. */
class Errors {
  readonly #parts: Buffer[] = [];
  #count = 0;

  get surface(): Surface {
    return { name: 'an error', bytes: Buffer.concat(this.#parts) };
  }

  get count(): number {
    return this.#count;
  }

  add({ details, message, metadata }: ServiceError): void {
    this.#count += 1;
    const values = Object.entries(metadata.getMap()).flat();
    for (const part of [message, details, ...values]) this.#parts.push(Buffer.from(part));
  }

  /** Calls that must fail. */
  async collect(...calls: readonly Promise<unknown>[]): Promise<void> {
    for (const { error } of await Promise.all(calls.map(failureOf))) this.add(error);
  }
}

function asBytes(messages: unknown): Buffer {
  const plain = (_key: string, value: unknown): unknown =>
    typeof value === 'bigint' ? String(value) : value;
  return Buffer.from(JSON.stringify(messages, plain));
}

/** What a caller says that is not let in. */
async function wrongCredentials(one: Signer): Promise<readonly string[]> {
  const other = await signer(one.kid);
  const [header, claims] = (await one.sign({ more: SECRETS.claims })).split('.');
  return [
    `Bearer rlt1.${SECRETS.token}`,
    `Bearer ${SECRETS.token}`,
    `Basic ${Buffer.from(`me:${SECRETS.basic}`).toString('base64')}`,
    `Bearer ${await other.sign({ more: SECRETS.claims })}`,
    `Bearer ${header}.${claims}.${SECRETS.signature.padEnd(86, 'A')}`,
    `Bearer ${await one.sign({ exp: secondsNow() - 3600, more: SECRETS.expired })}`,
    `Bearer ${await one.sign({ grants: [SECRETS.claims] })}`,
    `Bearer ${await one.sign({}, { kid: SECRETS.claims })}`,
  ];
}

/** Sends bytes that are no message. */
function sendRaw(connection: Client, path: string, bytes: Buffer, options: CallOptions) {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
  return new Promise((resolve, reject) => {
    connection.makeUnaryRequest(
      path,
      (value: Buffer) => value,
      (value: Buffer) => value,
      bytes,
      metadata,
      (error, answer) => (error === null ? resolve(answer) : reject(error)),
    );
  });
}

/** Calls with a header that grpc-js does not take, which it would tell of with its value. */
async function callWithLatin1(address: Address): Promise<void> {
  const session = connectHttp2(`http://${formatAddress(address)}`);
  const call = session.request({
    ':method': 'POST',
    ':path': '/runlet.v1.ServerService/GetServerInfo',
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${SECRETS.latin1}\xf6`,
  });
  call.end(Buffer.alloc(5)).resume();
  await once(call, 'close');
  session.destroy();
}

/** Has processes that know secrets; resolves with what their owner sees of them in listings. */
async function useAsOwner(clients: Clients, folder: string, options: CallOptions) {
  const { processes, sessions } = clients;
  const labels = { password: SECRETS.label };
  const { session } = await sessions.createSession({ labels }, options);
  const sessionId = session?.sessionId ?? '';
  const file = join(folder, 'secret');
  await writeFile(file, SECRETS.file);
  const script = `cat; cat ${file}; seq 100000; echo $PASSWORD $OTHER`;
  const spec = {
    argv: ['/bin/sh', '-c', script, `https://me:${SECRETS.argv}@example.com/?q=${SECRETS.argv}`],
    env: { PATH: process.env['PATH'] ?? '', PASSWORD: SECRETS.env },
    envPolicy: { set: { OTHER: SECRETS.policy } },
    stdin: StdinMode.PIPE,
    labels,
  };
  const processId = SECRETS.id;
  const started = await processes.startProcess({ sessionId, processId, spec }, options);
  const target = { sessionId, processId };
  const data = Buffer.from(SECRETS.stdin);
  const answers = [
    await processes.writeStdin({ ...target, data, eof: true }, options),
    await processes.waitProcess(target, options),
    await processes.acknowledgeOutput({ ...target, readerId: SECRETS.reader, seq: 1n }, options),
  ];
  // That is what a process said, and no listing.
  const events = await collect(processes.watchProcess(target, options));
  const output = asBytes(events.map(({ event }) => event)).length;
  expect(output).toBeGreaterThan(100_000);
  const ran = await collect(processes.run({ spec, stdin: data }, options));
  expect(ran.length).toBeGreaterThan(0);
  const listing = asBytes([
    ...answers,
    started,
    await processes.getProcess(target, options),
    await processes.listProcesses({ sessionId }, options),
    await sessions.getSession({ sessionId }, options),
    await sessions.listSessions({}, options),
  ]);
  return { target, listing };
}

/** Has files with secrets in them; resolves with what their owner sees of them in listings. */
async function useFiles(
  { files }: Clients,
  { folder, sessionId }: Readonly<Record<'folder' | 'sessionId', string>>,
  options: CallOptions,
  errors: Errors,
): Promise<Buffer> {
  const data = Buffer.from(SECRETS.content.repeat(10_000));
  const archive = Buffer.from(SECRETS.archive.repeat(100));
  const path = join(folder, SECRETS.name);
  const write = (open: Partial<WriteOpen> = {}, finish = true): Promise<unknown> =>
    files.writeFile(writing({ sessionId, path, ...open }, [pieceOf(data)], { finish }), options);
  const unpack = (bytes: Uint8Array): Promise<unknown> =>
    files.writeTree(unpacking({ sessionId, path: `${path}.folder` }, [bytes]), options);
  const answers = [
    await write(),
    await files.statFile({ sessionId, path }, options),
    await allOf(files.listDirectory({ sessionId, path: folder }, options)),
    await allOf(files.walkDirectory({ sessionId, path: folder }, options)),
  ];
  const read = await allOf(files.readFile({ sessionId, path }, options));
  expect(asBytes(read).length).toBeGreaterThan(data.length);
  await errors.collect(
    write({ sha256: new Uint8Array(32) }),
    write({ size: 1n }),
    write({ disposition: WriteDisposition.CREATE_NEW }),
    write({ ifVersion: SECRETS.malformed }),
    write({ path: `${path}/below` }),
    write({}, false),
    unpack(archive),
    // One that is cut in a block.
    unpack(archive.subarray(0, 600)),
    allOf(files.readFile({ sessionId, path, ifVersion: SECRETS.malformed }, options)),
    allOf(files.listDirectory({ sessionId, path }, options)),
    files.getUpload({ sessionId, uploadId: SECRETS.malformed }, options),
    files.moveFile({ sessionId, path, targetPath: '/nowhere/at/all' }, options),
  );
  return asBytes(answers);
}

/** Calls that are wrong in themselves. */
async function useWrongly(
  { connection, processes, sessions }: Clients,
  sessionId: string,
  options: CallOptions,
  errors: Errors,
): Promise<void> {
  const argv = ['/bin/cat'];
  const { argv: secret, env, policy, program } = SECRETS;
  type Spec = Parameters<typeof processes.startProcess>[0]['spec'];
  const start = (spec: NonNullable<Spec>): Promise<unknown> =>
    processes.startProcess({ sessionId, spec }, options);
  const run = (spec: NonNullable<Spec>): Promise<unknown> =>
    collect(processes.run({ spec, stdin: Buffer.from(SECRETS.stdin) }, options));
  const raw = (method: string, bytes: Buffer): Promise<unknown> =>
    sendRaw(connection, `/runlet.v1.${method}`, bytes, options);
  const malformed = Buffer.from(SECRETS.malformed);
  await errors.collect(
    start({ argv: [program], env: { PASSWORD: env } }),
    start({ argv: [`/${program}/x`] }),
    start({ argv, cwd: `/${SECRETS.cwd}`, env: { PASSWORD: env } }),
    start({ argv: [...argv, `${secret}\0`] }),
    start({ argv, env: { [`${env}=`]: env } }),
    start({ argv, env: { A: `${env}\0` } }),
    start({ argv, envPolicy: { set: { [`${policy}\0`]: policy } } }),
    start({ argv, labels: { [SECRETS.label.repeat(100)]: SECRETS.label } }),
    start({ argv: [...argv, SECRETS.oversize.repeat(100_000)] }),
    start({ argv: [...argv, SECRETS.oversize.repeat(250_000)] }),
    run({ argv: [program], env: { PASSWORD: env } }),
    run({ argv, cwd: `/${SECRETS.cwd}` }),
    sessions.createSession({ sessionId: SECRETS.malformed }, options),
    sessions.listSessions({ pageToken: SECRETS.malformed }, options),
    // A field of a type that there is not, one that ends too late, and one that is no UTF-8.
    raw('ProcessService/StartProcess', Buffer.concat([Buffer.from([0x0f]), malformed])),
    raw('ProcessService/StartProcess', Buffer.concat([Buffer.from([0x0a, 0x7f]), malformed])),
    raw('SessionService/GetSession', Buffer.concat([Buffer.from([0x0a, 26, 0xff]), malformed])),
    raw(`ProcessService/No${SECRETS.id}`, malformed).catch((error: ServiceError) => {
      // It is in the name of the method that was called, which its caller is told.
      error.message = error.details = '';
      throw error;
    }),
  );
}

async function reflectionAnswers(connection: Client, options: CallOptions): Promise<Surface> {
  const reflection = createClient(ServerReflection, connection);
  const questions = [
    { case: 'listServices', value: '' },
    { case: 'fileContainingSymbol', value: 'runlet.v1.ProcessService' },
    { case: 'fileContainingSymbol', value: 'runlet.v1.SessionService' },
    { case: 'fileByFilename', value: 'runlet/v1/process.proto' },
  ] as const;
  async function* ask() {
    for (const messageRequest of questions) yield { messageRequest };
  }
  const parts: Buffer[] = [];
  for await (const { messageResponse } of reflection.serverReflectionInfo(ask(), options)) {
    const { case: kind, value } = messageResponse;
    if (kind === 'fileDescriptorResponse')
      parts.push(...value.fileDescriptorProto.map((file) => Buffer.from(file)));
    else parts.push(Buffer.from(JSON.stringify(value)));
  }
  expect(parts.length).toBeGreaterThanOrEqual(questions.length);
  return { name: 'an answer of reflection', bytes: Buffer.concat(parts) };
}

/** What was done with a server. */
interface Use {
  /** All that could be seen of it. */
  readonly surfaces: readonly Surface[];
  /** What was good to say who calls. */
  readonly credentials: Readonly<Record<string, string>>;
}

/** Does everything with a server, and ends it by a fault. */
async function useOfServer(): Promise<Use> {
  const one = await signer();
  const own = makeToken();
  const server = await serve(one, own.publicKey);
  const clients = connectClients(server.address);
  const { connection, processes, sessions } = clients;
  const jwtOf = (sub: string): Promise<string> => one.sign({ sub, exp: secondsNow() + 3600 });
  const [alicesJwt, bobsJwt] = [await jwtOf('alice'), await jwtOf('bob')];
  const bearing = (token: string): CallOptions => ({
    metadata: {
      authorization: `Bearer ${token}`,
      cookie: SECRETS.metadata,
      'x-password': SECRETS.metadata,
    },
  });
  const [alice, bob, carol] = [bearing(alicesJwt), bearing(bobsJwt), bearing(own.token)];
  const errors = new Errors();

  const { listing, target } = await useAsOwner(clients, server.folder, alice);
  await useWrongly(clients, target.sessionId, alice, errors);
  const files = join(server.folder, 'files');
  await mkdir(files);
  const { sessionId } = target;
  const listed = await useFiles(clients, { folder: files, sessionId }, alice, errors);
  const marker = join(server.folder, 'never');
  const about = { ...target, endedId: target.processId, files, marker, port: 1 };
  const strangers = (await wrongCredentials(one)).map((authorization) => ({
    metadata: { ...alice.metadata, authorization },
  }));
  // Whoever is not let in, and another caller, with every call there is.
  for (const options of [...strangers, bob, carol]) {
    for (const method of METHODS) {
      const failure = await failedCall(connection, method, about, options);
      if (failure !== undefined) errors.add(failure.error);
    }
  }
  const others = asBytes([
    await sessions.listSessions({}, bob),
    await sessions.listSessions({}, carol),
    await failureOf(processes.listProcesses({ sessionId: target.sessionId }, bob)),
  ]);
  await callWithLatin1(server.address);
  const reflected = await reflectionAnswers(connection, alice);
  const kept = await readdir(join(server.folder, 'state'), { recursive: true });
  expect(kept.length).toBeGreaterThan(1);

  // A handler that has a fault, and then one that nobody catches.
  const secrets = Object.values(SECRETS).join(' ');
  const armed = once(server.child, 'message');
  server.child.send({ crash: `${SECRETS.crash} ${secrets}` });
  await armed;
  await errors.collect(sessions.createSession({}, alice));
  const { uncaught } = SECRETS;
  const key = `-----BEGIN PRIVATE KEY-----\n${uncaught}\n-----END PRIVATE KEY-----`;
  const url = `https://me:${uncaught}@example.com/?${uncaught}`;
  const headers = `authorization: Basic ${uncaught}\ncookie: ${uncaught}`;
  const exited = once(server.child, 'exit');
  const token = `rlt1.${uncaught} ${await one.sign({ more: uncaught })}`;
  server.child.send({ throw: `Bearer ${uncaught} ${url} ${token} ${key}\n${headers}` });
  expect(await exited).toEqual([125, null]);
  expect(errors.count).toBeGreaterThan(strangers.length * METHODS.length);
  const surfaces = [
    { name: 'the log', bytes: Buffer.from(await server.log) },
    errors.surface,
    { name: "another's listing", bytes: others },
    { name: 'the listing', bytes: Buffer.concat([listing, listed]) },
    { name: 'the name of a file', bytes: Buffer.from(kept.join('\n')) },
    reflected,
  ];
  const credentials = {
    token: own.token.replace(/^rlt1\./, ''),
    claims: alicesJwt.split('.')[1] ?? '',
    signature: alicesJwt.split('.')[2] ?? '',
  };
  return { surfaces, credentials };
}

describe('a real server that logs everything, and is used in every way', () => {
  it('shows no secret to anybody, which a scan finds where one is planted', async () => {
    const { credentials, surfaces } = await useOfServer();
    const [log] = surfaces;
    const lines = log?.bytes.toString().trimEnd().split('\n') ?? [];
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const messages = told.map(({ msg }) => msg);
    // It has told of all of it.
    expect(messages).toContain('an error that nobody caught: the server ends');
    expect(told.filter(({ code }) => code === 'UNAUTHENTICATED').length).toBeGreaterThan(20);
    expect(told.filter(({ code }) => code === 'INTERNAL')).toHaveLength(1);
    expect(findSecrets(SECRETS, surfaces).toSorted()).toEqual(SEEN.toSorted());
    expect(findSecrets(credentials, surfaces)).toEqual([]);

    // Each surface, with each secret in the middle of it, in each way to write it.
    for (const { bytes, name } of surfaces) {
      const middle = Math.floor(bytes.length / 2);
      for (const [place, secret] of Object.entries(SECRETS)) {
        for (const way of Object.values(waysToWrite(secret))) {
          const parts = [bytes.subarray(0, middle), Buffer.from(way), bytes.subarray(middle)];
          const planted = { name, bytes: Buffer.concat(parts) };
          expect(findSecrets({ [place]: secret }, [planted])).toEqual([`${place} in ${name}`]);
        }
      }
    }
  });
});
