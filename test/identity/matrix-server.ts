import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChannelCredentials, Client } from '@grpc/grpc-js';
import { pino } from 'pino';
import { expect } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import { openConnection } from '../../src/client/connection.ts';
import { clientSettings } from '../../src/client/options.ts';
import { pieceOf, writing } from '../../src/conformance/file-streams.ts';
import { FileService } from '../../src/gen/runlet/v1/file_pb.ts';
import { ProcessService, ProcessState } from '../../src/gen/runlet/v1/process_pb.ts';
import { SessionService } from '../../src/gen/runlet/v1/session_pb.ts';
import type { Authenticator } from '../../src/identity/authenticator.ts';
import type { ListenerOptions } from '../../src/server/listener-options.ts';
import { startServer } from '../../src/server/server.ts';
import { as } from '../support/named-callers.ts';
import { type CallTarget, targetSpec } from './every-call.ts';
import { UPLOAD_ID } from './file-calls.ts';
import { targetServers } from './target-servers.ts';

/** A server that every call is tried at. */
export interface MatrixServer {
  readonly connection: Client;
  /** Opens another connection, which is to be closed. */
  connectAs(credentials: ChannelCredentials): Client;
  /** What calls leave behind that may start something. */
  readonly otherMarker: string;
  /** A session of the caller's who has a bearer, with a process that runs and one that is over. */
  target(caller: string, sessionId?: string): Promise<CallTarget>;
  /** What is known of a target by its owner, to be compared with what is later. */
  lookAt(target: CallTarget, owner: string): Promise<unknown>;
  /** Closes the session of a target, if it is there. */
  forget(target: CallTarget, owner: string): Promise<void>;
  close(): Promise<void>;
}

/** The listener of one on a socket of its own, with callers that are let in by these. */
export function onSocket(auth: readonly Authenticator[]): (folder: string) => ListenerOptions {
  return (folder) => ({ address: { kind: 'unix', path: join(folder, 'runlet.sock') }, auth });
}

/** Starts one with a listener, whose files may be in a folder that goes with it. */
export async function serveMatrix(
  listenerIn: (folder: string) => ListenerOptions | Promise<ListenerOptions>,
  trusted?: ChannelCredentials,
): Promise<MatrixServer> {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-test-'));
  const runlet = await startServer({
    listeners: [await listenerIn(folder)],
    logger: pino({ level: 'silent' }),
    cwd: folder,
    shutdownGraceMs: 0,
    limits: { defaultRetentionMs: 3_600_000, heartbeatMs: 3_600_000 },
  });
  const [address] = runlet.addresses;
  if (address === undefined) throw new Error('the server listens nowhere');
  const connectAs = (credentials: ChannelCredentials | undefined): Client =>
    openConnection(address, clientSettings(credentials === undefined ? {} : { credentials }));
  const connection = connectAs(trusted);
  const sessions = createClient(SessionService, connection);
  const processes = createClient(ProcessService, connection);
  const fileCalls = createClient(FileService, connection);
  const servers = targetServers();
  return {
    connection,
    connectAs,
    otherMarker: join(folder, 'other'),

    async target(caller, sessionId = randomUUID()) {
      await sessions.createSession({ sessionId }, as(caller));
      const spec = { argv: ['/bin/true'] };
      const request = { sessionId, processId: 'ended', spec };
      await processes.startProcess(request, as(caller));
      await processes.waitProcess({ sessionId, processId: 'ended' }, as(caller));
      const processId = 'running';
      await processes.startProcess({ sessionId, processId, spec: targetSpec() }, as(caller));
      const ready = processes.watchProcess({ sessionId, processId }, as(caller));
      // Its traps are set then.
      for await (const { events } of ready) if (events.length > 0) break;
      const files = join(folder, randomUUID());
      await mkdir(files);
      const path = join(files, 'file');
      const open = { sessionId, path, uploadId: UPLOAD_ID };
      await fileCalls.writeFile(writing(open, [pieceOf('content')]), as(caller));
      const [port, marker] = [await servers.start(), join(folder, randomUUID())];
      return { sessionId, processId, endedId: 'ended', files, marker, port };
    },

    async lookAt({ files, marker, port, processId, sessionId }, owner) {
      const { processes: listed } = await processes.listProcesses({ sessionId }, as(owner));
      const { process } = await processes.getProcess({ sessionId, processId }, as(owner));
      expect(process?.state).toBe(ProcessState.RUNNING);
      const { sessions: all } = await sessions.listSessions({ pageSize: 1000 }, as(owner));
      const { lastSeq, terminal } = process ?? {};
      return {
        ids: listed.map((each) => each.processId),
        lastSeq,
        size: terminal?.size,
        listed: all.some((session) => session.sessionId === sessionId && !session.attached),
        marked: existsSync(marker),
        files: await filesOf(files),
        connections: servers.connections(port),
      };
    },

    async forget({ sessionId }, owner) {
      await sessions.closeSession({ sessionId }, as(owner)).catch(() => {});
    },

    async close() {
      connection.close();
      await runlet.shutdown();
      servers.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What is in a folder, to be compared with what is later. */
export async function filesOf(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder, { recursive: true })).toSorted();
  const described = names.map(async (name) => {
    const { ino, mode, mtimeMs, size } = await lstat(join(folder, name));
    return `${name} ${ino} ${mode} ${mtimeMs} ${size}`;
  });
  return Promise.all(described);
}
