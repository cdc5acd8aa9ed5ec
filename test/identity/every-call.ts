import { randomUUID } from 'node:crypto';
import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import { createClient } from '../../src/bridge/create-client.ts';
import { type CallOptions, streamsRequests, streamsResponses } from '../../src/bridge/types.ts';
import { type ProcessSpecSchema, StdinMode } from '../../src/gen/runlet/v1/process_pb.ts';
import { Signal } from '../../src/gen/runlet/v1/signal_pb.ts';
import { type Failure, failureOf } from '../support/failure.ts';
import { FILE_REQUESTS, type FileTarget } from './file-calls.ts';
import { NETWORK_REQUESTS, type NetworkTarget } from './network-calls.ts';

/** What the calls of a test are about. */
export interface CallTarget extends FileTarget, NetworkTarget {
  readonly processId: string;
  /** One that is over. */
  readonly endedId: string;
  /** A file that exists once a process was started that should not have been. */
  readonly marker: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** What a request of each method names, or each of several, as a caller that is let in would send it. */
const REQUESTS: Readonly<Record<string, (target: CallTarget) => Fields | readonly Fields[]>> = {
  ...FILE_REQUESTS,
  ...NETWORK_REQUESTS,
  'runlet.v1.SessionService.CreateSession': ({ sessionId }) => ({ sessionId }),
  'runlet.v1.SessionService.GetSession': ({ sessionId }) => ({ sessionId }),
  'runlet.v1.SessionService.ListSessions': () => ({}),
  'runlet.v1.SessionService.AttachSession': ({ sessionId }) => ({ sessionId }),
  'runlet.v1.SessionService.CloseSession': ({ sessionId }) => ({ sessionId }),
  'runlet.v1.ProcessService.StartProcess': ({ marker, sessionId }) => ({
    sessionId,
    spec: marking(marker),
  }),
  'runlet.v1.ProcessService.Run': ({ marker }) => ({ spec: marking(marker) }),
  'runlet.v1.ProcessService.Interact': ({ marker, sessionId }) => ({
    request: { case: 'start', value: { sessionId, spec: marking(marker) } },
  }),
  'runlet.v1.ProcessService.GetProcess': named,
  'runlet.v1.ProcessService.ListProcesses': ({ sessionId }) => ({ sessionId }),
  'runlet.v1.ProcessService.WatchProcess': named,
  'runlet.v1.ProcessService.ReadProcess': named,
  'runlet.v1.ProcessService.WaitProcess': ({ endedId, sessionId }) => ({
    sessionId,
    processId: endedId,
  }),
  'runlet.v1.ProcessService.AcknowledgeOutput': (target) => ({
    ...named(target),
    readerId: 'reader',
    seq: 0n,
  }),
  'runlet.v1.ProcessService.WriteStdin': (target) => ({ ...named(target), data: LINE }),
  'runlet.v1.ProcessService.StreamStdin': (target) => ({ ...named(target), data: LINE }),
  'runlet.v1.ProcessService.ResizeTerminal': (target) => ({
    ...named(target),
    size: { columns: 99, rows: 9 },
  }),
  'runlet.v1.ProcessService.SignalProcess': (target) => ({
    ...named(target),
    signal: Signal.HUP,
  }),
  'runlet.v1.ProcessService.TerminateProcess': named,
  'runlet.v1.ServerService.GetServerInfo': () => ({}),
  'runlet.v1.ServerService.WatchStats': () => ({}),
  'grpc.health.v1.Health.Check': () => ({}),
  'grpc.health.v1.Health.List': () => ({}),
  'grpc.health.v1.Health.Watch': () => ({}),
  'grpc.reflection.v1.ServerReflection.ServerReflectionInfo': asksForServices,
  'grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo': asksForServices,
};

const LINE = Buffer.from('a line\n');

/** The name of a method, with its service's. */
export function nameOf({ name, parent }: DescMethod): string {
  return `${parent.typeName}.${name}`;
}

/** The process that every target is about: it tells of what is done to it. */
export function targetSpec(): MessageInitShape<typeof ProcessSpecSchema> {
  const script =
    'trap "echo hung up" HUP; echo ready; while :; do read -r line && echo "$line" || sleep 0.05; done';
  return {
    argv: ['/bin/sh', '-c', script],
    env: { PATH: process.env['PATH'] ?? '' },
    stdin: StdinMode.PIPE,
    terminal: { size: { columns: 80, rows: 24 } },
  };
}

/** How a call of a method ends: `OK` with its first answer, or the status and the reason. */
export async function outcomeOf(...call: Parameters<typeof failedCall>): Promise<string> {
  return (await failedCall(...call))?.summary ?? 'OK';
}

/** How a call of a method fails; undefined: it gets a first answer. */
export async function failedCall(
  connection: Client,
  method: DescMethod,
  target: CallTarget,
  options: CallOptions = {},
): Promise<Failure | undefined> {
  const client = createClient(method.parent, connection) as Readonly<
    Record<string, (request: unknown, options: CallOptions) => unknown>
  >;
  const make = REQUESTS[nameOf(method)];
  if (make === undefined) throw new Error(`nobody has said what ${nameOf(method)} is called with`);
  const messages = [make(target)].flat().map((fields) => {
    return create(method.input, fields as MessageInitShape<typeof method.input>);
  });
  const call = client[method.localName];
  const answer = call?.(streamsRequests(method) ? all(messages) : messages[0], options);
  const first = streamsResponses(method)
    ? firstOf(answer as AsyncIterable<unknown>)
    : (answer as Promise<unknown>);
  try {
    await first;
    return undefined;
  } catch (error) {
    return failureOf(Promise.reject(error));
  }
}

/** All that there is to send; the end of the stream says nothing. */
async function* all(messages: readonly unknown[]): AsyncGenerator<unknown> {
  yield* messages;
}

async function firstOf(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answers) return;
}

function named({ processId, sessionId }: CallTarget): Fields {
  return { processId, sessionId };
}

function marking(marker: string): MessageInitShape<typeof ProcessSpecSchema> {
  return { argv: ['/bin/sh', '-c', `: > "${marker}"`] };
}

function asksForServices(): Fields {
  return { messageRequest: { case: 'listServices', value: '' } };
}

/** A target that is not there. */
export function nowhere(marker: string): CallTarget {
  // Nobody listens at the first port.
  const none = { processId: 'nothing', endedId: 'nothing', files: '/nothing', port: 1 };
  return { ...none, sessionId: randomUUID(), marker };
}

/** Whether a call of a method is about a session that has to be there. */
export function namesSession(method: DescMethod): boolean {
  const services = 'Session|Process|File|Http|Tunnel';
  const others = 'CreateSession|ListSessions|Run$';
  return new RegExp(`^runlet\\.v1\\.(?:${services})Service\\.(?!${others})`).test(nameOf(method));
}
