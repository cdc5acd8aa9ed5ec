import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Client, status } from '@grpc/grpc-js';
import { parseAddress } from '../../../src/address.ts';
import { createClient } from '../../../src/bridge/create-client.ts';
import type { CallOptions, ServiceClient } from '../../../src/bridge/types.ts';
import { callErrorDetails, isCallError } from '../../../src/client/call-error.ts';
import { openConnection } from '../../../src/client/connection.ts';
import {
  HttpStageSchema,
  StartStageSchema,
  TunnelStageSchema,
} from '../../../src/gen/runlet/v1/error_pb.ts';
import { FileService } from '../../../src/gen/runlet/v1/file_pb.ts';
import { HttpService } from '../../../src/gen/runlet/v1/http_pb.ts';
import {
  OverflowSchema,
  type Process,
  ProcessService,
  ProcessStateSchema,
  type StartProcessRequestSchema,
  StdinModeSchema,
} from '../../../src/gen/runlet/v1/process_pb.ts';
import {
  SandboxAccess,
  SandboxPlace,
  type SandboxSchema,
} from '../../../src/gen/runlet/v1/sandbox_pb.ts';
import { AttachModeSchema, SessionService } from '../../../src/gen/runlet/v1/session_pb.ts';
import { SignalSchema, SignalScopeSchema } from '../../../src/gen/runlet/v1/signal_pb.ts';
import { TunnelService } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { type Access, settingsOf } from './access.ts';
import { CallFailure, type Driver, openOperation } from './driver.ts';
import { nameOfValue, valueOfName } from './enum-names.ts';
import { Download, FILE_PERFORMERS } from './file-performers.ts';
import { NETWORK_PERFORMERS } from './network-performers.ts';
import type {
  Facts,
  FailureFacts,
  Note,
  Operation,
  Params,
  ProcessFacts,
  ProcessParams,
  StartParams,
  WriteParams,
} from './protocol.ts';
import { endOf, Reader } from './reader.ts';

/** What an operation works with. */
export interface Call<O extends Operation> {
  readonly params: Params<O>;
  readonly options: CallOptions;
  readonly sessions: ServiceClient<typeof SessionService>;
  readonly processes: ServiceClient<typeof ProcessService>;
  readonly files: ServiceClient<typeof FileService>;
  readonly http: ServiceClient<typeof HttpService>;
  readonly tunnels: ServiceClient<typeof TunnelService>;
  reader(name: string): Reader;
  download(name: string): Download;
  tell(note: Note): void;
}

/** How operations are performed. */
export type Performers = { readonly [O in Operation]: (call: Call<O>) => Promise<Facts<O>> };

/** The repository's own client, in this process. */
export async function typescriptDriver(access: Access): Promise<Driver> {
  const settings = await settingsOf(access);
  const connections = new Map<string, Client>();
  const readers = new Map<string, Reader>();
  const downloads = new Map<string, Download>();
  const abort = new AbortController();
  const connectionTo = (address: string): Client => {
    const known = connections.get(address) ?? openConnection(parseAddress(address), settings);
    connections.set(address, known);
    return known;
  };
  const readerOf = (name: string): Reader => {
    const known = readers.get(name) ?? new Reader();
    readers.set(name, known);
    return known;
  };
  const downloadOf = (name: string): Download => {
    const known = downloads.get(name) ?? new Download();
    downloads.set(name, known);
    return known;
  };
  return {
    begin<O extends Operation>(address: string, op: O, params: Params<O>) {
      const operation = openOperation<Facts<O>>();
      const header = params.header ?? params.session_id;
      const connection = connectionTo(address);
      const perform = async () => {
        const metadata = { ...(await settings.metadata()), 'runlet-session-id': header };
        return PERFORMERS[op]({
          params,
          options: { metadata, signal: abort.signal },
          sessions: createClient(SessionService, connection),
          processes: createClient(ProcessService, connection),
          files: createClient(FileService, connection),
          http: createClient(HttpService, connection),
          tunnels: createClient(TunnelService, connection),
          reader: readerOf,
          download: downloadOf,
          tell: operation.tell,
        });
      };
      perform().then(operation.succeed, (error: unknown) => {
        operation.fail(
          isCallError(error) ? new CallFailure(failureFacts(error)) : (error as Error),
        );
      });
      return operation.running;
    },
    async end() {
      abort.abort();
      for (const connection of connections.values()) connection.close();
    },
  };
}

const PERFORMERS: Performers = {
  async create({ params, options, sessions }) {
    const { session } = await sessions.createSession({ sessionId: params.session_id }, options);
    return { session_id: session?.sessionId ?? '' };
  },
  close: ({ params, options, sessions }) =>
    sessions.closeSession({ sessionId: params.session_id }, options),
  async attach({ params, options, sessions, tell }) {
    const request = {
      sessionId: params.session_id,
      mode: valueOfName(AttachModeSchema, params.mode),
      holderId: params.holder_id ?? '',
      attempt: BigInt(params.attempt ?? 0),
    };
    for await (const { event } of sessions.attachSession(request, options)) {
      const it = event?.event;
      if (it?.case === 'attached') {
        const ids = it.value.processes.map(({ processId }) => processId);
        tell({ attachment_id: it.value.attachmentId, process_ids: ids });
      } else if (it?.case === 'processClosed') {
        tell({ closed: it.value.process?.processId ?? '' });
      } else if (it?.case === 'processEvicted') tell({ evicted: it.value.processId });
    }
    return {};
  },
  async start({ params, options, processes }) {
    return processFacts((await processes.startProcess(startRequest(params), options)).process);
  },
  async get({ params, options, processes }) {
    return processFacts((await processes.getProcess(target(params), options)).process);
  },
  async wait({ params, options, processes }) {
    return processFacts((await processes.waitProcess(target(params), options)).process);
  },
  async watch({ params, options, processes, reader, tell }) {
    const it = reader(params.reader);
    const { reader_id: readerId = '' } = params;
    const request = { ...target(params), afterSeq: it.lastSeq, readerId };
    for await (const { events } of processes.watchProcess(request, options)) {
      it.take(events, tell, params.notify_bytes);
      if (readerId === '' || events.length === 0) continue;
      const had = { ...target(params), readerId, seq: it.lastSeq };
      // That it failed, the stream tells too.
      await processes.acknowledgeOutput(had, options).catch(() => {});
    }
    return it.facts();
  },
  async read({ params, options, processes, reader, tell }) {
    const it = reader(params.reader);
    const wait = duration(params.wait_ms ?? 0);
    const request = { ...target(params), afterSeq: it.lastSeq, wait };
    it.take((await processes.readProcess(request, options)).events, tell, params.notify_bytes);
    return it.facts();
  },
  async write({ params, options, processes }) {
    const answer = await processes.writeStdin({ ...target(params), ...stdinOf(params) }, options);
    return { accepted_offset: Number(answer.acceptedOffset) };
  },
  async stream({ params, options, processes }) {
    const requests = params.writes.map((write) => ({ ...target(params), ...stdinOf(write) }));
    const answer = await processes.streamStdin(inTurn(requests), options);
    return { accepted_offset: Number(answer.acceptedOffset) };
  },
  async interact({ params, options, processes, reader, tell }) {
    const it = reader(params.reader);
    const start = { request: { case: 'start', value: startRequest(params) } } as const;
    const writes = params.writes.map(
      (write) => ({ request: { case: 'stdin', value: stdinOf(write) } }) as const,
    );
    for await (const { events } of processes.interact(inTurn([start, ...writes]), options)) {
      it.take(events, tell, params.notify_bytes);
    }
    return it.facts();
  },
  signal: ({ params, options, processes }) =>
    processes.signalProcess(
      {
        ...target(params),
        signal: valueOfName(SignalSchema, params.signal),
        scope: valueOfName(SignalScopeSchema, params.scope),
      },
      options,
    ),
  async terminate({ params, options, processes }) {
    const grace = params.grace_ms === undefined ? {} : { grace: duration(params.grace_ms) };
    const scope = valueOfName(SignalScopeSchema, params.scope);
    const request = { ...target(params), ...grace, scope };
    const { process, wasRunning } = await processes.terminateProcess(request, options);
    return { ...processFacts(process), was_running: wasRunning };
  },
  resize: ({ params: { columns, rows, ...params }, options, processes }) =>
    processes.resizeTerminal({ ...target(params), size: { columns, rows } }, options),
  ...FILE_PERFORMERS,
  ...NETWORK_PERFORMERS,
  // What the client does by itself has tests of its own, in test/client.
  follow: () => Promise.reject(new Error('this driver calls stubs alone')),
};

function target(params: ProcessParams) {
  return {
    sessionId: params.session_id,
    processId: params.process_id,
    attachmentId: params.attachment_id ?? '',
  };
}

function startRequest(params: StartParams): MessageInitShape<typeof StartProcessRequestSchema> {
  const {
    argv,
    cwd = '',
    env = {},
    terminal,
    stdin,
    retention_ms,
    writable,
    ...output
  } = params.spec;
  return {
    ...target(params),
    requestId: params.request_id ?? '',
    spec: {
      ...{ argv: [...argv], cwd, env, stdin: valueOfName(StdinModeSchema, stdin) },
      ...(terminal === undefined ? {} : { terminal: { size: terminal } }),
      ...(writable === undefined ? {} : { sandbox: sandboxWith(writable) }),
      ...(retention_ms === undefined ? {} : { retention: duration(retention_ms) }),
      output: {
        retainedBytes: BigInt(output.retained_bytes ?? 0),
        overflow: valueOfName(OverflowSchema, output.overflow),
      },
    },
  };
}

/** A sandbox in which programs run, and these paths can be changed. */
function sandboxWith(writable: readonly string[]): MessageInitShape<typeof SandboxSchema> {
  return {
    rules: [
      { place: SandboxPlace.PLATFORM, access: SandboxAccess.READ },
      ...writable.map((path) => ({ path, access: SandboxAccess.WRITE })),
    ],
  };
}

function stdinOf({ offset, data = '', eof = false }: WriteParams) {
  const bytes = { data: Buffer.from(data, 'base64'), eof };
  return offset === undefined ? bytes : { ...bytes, offset: BigInt(offset) };
}

function duration(milliseconds: number) {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: BigInt(seconds), nanos: (milliseconds % 1000) * 1e6 };
}

async function* inTurn<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

function processFacts(process: Process | undefined): ProcessFacts {
  if (process === undefined) throw new Error('the answer has no process');
  const { processId, pid, state, status: how, reason } = process;
  const facts = { process_id: processId, pid: Number(pid) };
  const known = { ...facts, state: nameOfValue(ProcessStateSchema, state) };
  return how === undefined ? known : { ...known, exited: endOf(how, reason) };
}

function failureFacts(error: Parameters<typeof callErrorDetails>[0]): FailureFacts {
  const { info, badRequest, startFailure, fileFailure, httpFailure, tunnelFailure } =
    callErrorDetails(error);
  return {
    code: status[error.code] ?? String(error.code),
    ...(info && { reason: info.reason, domain: info.domain, metadata: info.metadata }),
    ...(badRequest && { fields: badRequest.fieldViolations.map(({ field }) => field) }),
    ...(startFailure && {
      stage: nameOfValue(StartStageSchema, startFailure.stage),
      errno_name: startFailure.errnoName,
    }),
    ...(fileFailure && {
      operation: fileFailure.operation,
      errno_name: fileFailure.errnoName,
    }),
    ...(httpFailure && {
      stage: nameOfValue(HttpStageSchema, httpFailure.stage),
      errno_name: httpFailure.code,
    }),
    ...(tunnelFailure && {
      stage: nameOfValue(TunnelStageSchema, tunnelFailure.stage),
      errno_name: tunnelFailure.errnoName,
    }),
  };
}
