import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { RunletError } from '../errors.ts';
import type { FileService } from '../gen/runlet/v1/file_pb.ts';
import type { HttpService } from '../gen/runlet/v1/http_pb.ts';
import type { InteractRequest, ProcessService } from '../gen/runlet/v1/process_pb.ts';
import type { ServerService } from '../gen/runlet/v1/server_pb.ts';
import type { SessionService } from '../gen/runlet/v1/session_pb.ts';
import type { TunnelService } from '../gen/runlet/v1/tunnel_pb.ts';
import type { Grant } from '../identity/grants.ts';
import type { Principal } from '../identity/principal.ts';
import { policyDenied } from '../policy/denial.ts';

/**
 * What a method needs: one of these grants; a caller that is known, whatever it may do; or
 * nothing at all.
 */
export type MethodNeeds = readonly [Grant, ...Grant[]] | 'caller' | 'nothing';

type NeedsOf<S extends DescService> = { readonly [K in keyof S['method']]: MethodNeeds };

/** The one table of what every method of our own needs. One that is missing is a type error. */
const SESSION_NEEDS: NeedsOf<typeof SessionService> = {
  createSession: ['start'],
  getSession: ['observe'],
  listSessions: ['observe', 'admin'],
  attachSession: ['observe'],
  closeSession: ['signal', 'admin'],
};

const PROCESS_NEEDS: NeedsOf<typeof ProcessService> = {
  startProcess: ['start'],
  run: ['start'],
  // What begins it decides: see `interactNeeds`.
  interact: ['start', 'observe'],
  getProcess: ['observe'],
  listProcesses: ['observe'],
  watchProcess: ['observe'],
  readProcess: ['observe'],
  waitProcess: ['observe'],
  acknowledgeOutput: ['observe'],
  writeStdin: ['input'],
  streamStdin: ['input'],
  resizeTerminal: ['input'],
  signalProcess: ['signal'],
  terminateProcess: ['signal'],
};

/** `files` is for both. */
const READS: MethodNeeds = ['files:read', 'files'];

const FILE_NEEDS: NeedsOf<typeof FileService> = {
  statFile: READS,
  readFile: READS,
  writeFile: ['files'],
  getUpload: ['files'],
  abortUpload: ['files'],
  listDirectory: READS,
  walkDirectory: READS,
  createDirectory: ['files'],
  removeFile: ['files'],
  moveFile: ['files'],
  copyFile: ['files'],
  setFileAttributes: ['files'],
  createSymlink: ['files'],
  resolvePath: READS,
  watchDirectory: READS,
  readTree: READS,
  writeTree: ['files'],
};

const HTTP_NEEDS: NeedsOf<typeof HttpService> = { request: ['http'] };

const TUNNEL_NEEDS: NeedsOf<typeof TunnelService> = {
  connect: ['tunnel'],
  listen: ['tunnel'],
  listPorts: ['observe'],
};

const SERVER_NEEDS: NeedsOf<typeof ServerService> = {
  getServerInfo: 'caller',
  watchStats: ['observe', 'admin'],
};

/** By the names of services. */
const NEEDS: Readonly<Record<string, Readonly<Record<string, MethodNeeds>>>> = {
  'runlet.v1.SessionService': SESSION_NEEDS,
  'runlet.v1.ProcessService': PROCESS_NEEDS,
  'runlet.v1.FileService': FILE_NEEDS,
  'runlet.v1.HttpService': HTTP_NEEDS,
  'runlet.v1.TunnelService': TUNNEL_NEEDS,
  'runlet.v1.ServerService': SERVER_NEEDS,
  // Whoever asks whether a server is well is no caller: a load balancer, a kubelet.
  'grpc.health.v1.Health': { check: 'nothing', list: 'nothing', watch: 'nothing' },
  'grpc.reflection.v1.ServerReflection': { serverReflectionInfo: 'caller' },
  'grpc.reflection.v1alpha.ServerReflection': { serverReflectionInfo: 'caller' },
};

/** What a method needs. Of one that is not in the table, all grants would not be enough. */
export function needsOf({ localName, parent }: DescMethod): MethodNeeds {
  const needs = NEEDS[parent.typeName]?.[localName];
  if (needs === undefined) throw new Error(`${parent.typeName}.${localName} has no grant`);
  return needs;
}

/** What a message of `Interact` needs beside what the call itself does. */
const INTERACT_NEEDS: Readonly<
  Record<NonNullable<InteractRequest['request']['case']>, Grant | undefined>
> = {
  start: 'start',
  attach: 'observe',
  stdin: 'input',
  resize: 'input',
  signal: 'signal',
  // Of the events that the call itself was given.
  acknowledge: undefined,
};

/** @throws RunletError `GRANT_MISSING` or `POLICY_DENIED` if the caller may not send a message of `Interact` */
export function assertMayInteract(
  caller: Principal,
  kind: InteractRequest['request']['case'],
): void {
  const grant = kind === undefined ? undefined : INTERACT_NEEDS[kind];
  if (grant !== undefined) assertGranted(caller, [grant]);
}

/** @throws RunletError `GRANT_MISSING` or `POLICY_DENIED` unless the caller has one of these */
export function assertGranted(
  { grants, withheld }: Pick<Principal, 'grants' | 'withheld'>,
  needed: readonly [Grant, ...Grant[]],
): void {
  if (needed.some((grant) => grants.has(grant))) return;
  const denied = needed.find((grant) => withheld?.has(grant));
  throw denied === undefined ? grantMissing(needed[0]) : policyDenied('grants', denied);
}

/** What a caller is told that is not granted something. */
export function grantMissing(grant: Grant): RunletError {
  return new RunletError('GRANT_MISSING', { metadata: { grant } });
}
