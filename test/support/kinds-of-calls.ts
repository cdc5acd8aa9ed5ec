import { join } from 'node:path';
import type { Client } from '@grpc/grpc-js';
import { expect } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { attach } from './attach.ts';
import { collect, outputOf } from './events.ts';
import { readAll, writeRequests } from './files.ts';
import type { Clients } from './harness.ts';
import { sendRequest } from './http-requests.ts';
import { interact } from './interact.ts';
import { PATH } from './shell.ts';
import { connectedTunnel } from './tunnels.ts';

/** Where calls of all kinds are made. */
export interface CallPlace extends Clients {
  readonly connection: Client;
  /** A session that stays. */
  readonly sessionId: string;
  /** A folder in which files may be made. */
  readonly folder: string;
  /** What answers `/hello` over HTTP, and what sends back what it is sent. */
  readonly upstream: string;
  readonly echoPort: number;
}

/**
 * Calls of a kind, of which each has to succeed; `turn` is another one each time. Resolves with the
 * actions of which an audit has a line each.
 */
export type CallKind = (place: CallPlace, turn: string) => Promise<readonly string[]>;

const env = { PATH };

/** What a session is for, from its begin to its end. */
const sessionOfItsOwn: CallKind = async (place) => {
  const { processes, sessions } = place;
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  const first = await attach(place, sessionId);
  const second = await attach(place, sessionId);
  const spec = { argv: ['cat'], env, stdin: StdinMode.PIPE };
  const { process } = await processes.startProcess({ sessionId, spec });
  const target = { sessionId, processId: process?.processId ?? '' };
  const watched = collect(processes.watchProcess(target));
  await processes.writeStdin({ ...target, data: Buffer.from('in'), eof: true });
  await processes.waitProcess(target);
  expect(outputOf(await watched).toString()).toBe('in');
  expect((await processes.readProcess(target)).events.length).toBeGreaterThan(3);
  await processes.listProcesses({ sessionId });
  await sessions.listSessions({});
  await second.detach();
  await first.detach();
  await sessions.closeSession({ sessionId });
  // The second attachment takes over from the first.
  return ['CreateSession', 'AttachSession', 'StartProcess', 'CloseSession'];
};

const runs: CallKind = async ({ processes }) => {
  const events = await collect(processes.run({ spec: { argv: ['echo', 'hello'], env } }));
  expect(outputOf(events).toString()).toBe('hello\n');
  return ['Run'];
};

const ends: CallKind = async ({ processes, sessionId }) => {
  const spec = { argv: ['sleep', '1000'], env };
  const [one, other] = await Promise.all([
    processes.startProcess({ sessionId, spec }),
    processes.startProcess({ sessionId, spec }),
  ]);
  const signaled = { sessionId, processId: one.process?.processId ?? '' };
  const terminated = { sessionId, processId: other.process?.processId ?? '' };
  await processes.signalProcess({ ...signaled, signal: Signal.KILL });
  await processes.terminateProcess(terminated);
  await processes.waitProcess(signaled);
  await processes.waitProcess(terminated);
  return ['StartProcess', 'StartProcess', 'SignalProcess', 'TerminateProcess'];
};

const interactions: CallKind = async (place) => {
  const call = interact(place);
  const spec = { argv: ['cat'], env, stdin: StdinMode.PIPE };
  call.send({ case: 'start', value: { sessionId: place.sessionId, spec } });
  call.write('typed', true);
  expect(outputOf(await call.closed()).toString()).toBe('typed');
  call.send(undefined);
  return ['Interact'];
};

const files: CallKind = async ({ files: service, folder, sessionId }, turn) => {
  const path = join(folder, turn);
  const file = { sessionId, path: join(path, 'file') };
  const content = Buffer.from(turn.repeat(1_000));
  await service.createDirectory({ sessionId, path });
  await service.writeFile(writeRequests(file, content));
  expect((await readAll(service.readFile(file))).content.equals(content)).toBe(true);
  await service.statFile(file);
  for await (const _ of service.listDirectory({ sessionId, path }));
  await service.removeFile({ sessionId, path, recursive: true });
  return ['CreateDirectory', 'WriteFile', 'RemoveFile'];
};

const network: CallKind = async ({ connection, echoPort, sessionId, upstream }, turn) => {
  const answered = await sendRequest(connection, { sessionId, url: `${upstream}/hello` });
  expect([answered.status, answered.reason]).toEqual([200, undefined]);
  const tunnel = await connectedTunnel(connection, {
    sessionId,
    host: '127.0.0.1',
    port: echoPort,
  });
  await tunnel.write(turn);
  expect((await tunnel.read(turn.length)).toString()).toBe(turn);
  tunnel.eof();
  await tunnel.ended();
  tunnel.finish();
  await tunnel.over();
  return ['Request', 'Connect'];
};

const looks: CallKind = async ({ connection, server, sessions, sessionId }) => {
  await server.getServerInfo({});
  await sessions.getSession({ sessionId });
  await createClient(Health, connection).check({});
  return [];
};

/** All kinds. */
export const CALL_KINDS: Readonly<Record<string, CallKind>> = {
  sessionOfItsOwn,
  runs,
  ends,
  interactions,
  files,
  network,
  looks,
};
