/** The TypeScript client of runlet: remote processes that outlive connections. */

export { connect } from './connect.ts';
export {
  ConnectionError,
  type FieldProblem,
  RemoteError,
  RunletClientError,
  SessionLostError,
  type SessionLostReason,
  type StartFailureInfo,
  StdinConflictError,
} from './errors.ts';
export type {
  EndReasonName,
  InheritName,
  OutputStreamName,
  OverflowName,
  ProcessStateName,
  SignalName,
  SignalScopeName,
  StdinModeName,
} from './names.ts';
export type { ConnectOptions, RequestMetadata } from './options.ts';
export type { OutputReadable } from './output-readable.ts';
export type { GapRange, ProcessEvent, ProcessEventDetail } from './process-event.ts';
export type {
  OutputTotals,
  ProcessClosure,
  ProcessExit,
  ProcessInfo,
  ResourceUsage,
  SessionInfo,
  TerminalState,
} from './process-info.ts';
export type {
  EnvPolicy,
  ProcessSpec,
  ResourceLimits,
  TerminalOptions,
  TerminalSize,
} from './process-spec.ts';
export type { RemoteProcess } from './remote-process.ts';
export type { RemoteSession, StartOptions } from './remote-session.ts';
export { type RunOptions, RunOutputError, type RunResult } from './run-process.ts';
export type { RunletClient, SessionOptions } from './runlet-client.ts';
export type { ServerInfo, ServerLimits } from './server-info.ts';
export type { StartedProcess } from './started-process.ts';
