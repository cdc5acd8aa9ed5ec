/** The TypeScript client of runlet: remote processes that outlive connections. */

export { OptionError, RunletClientError, type RunletErrorCode } from './client-error.ts';
export { CommandError } from './command-error.ts';
export type { CommandArgument } from './command-line.ts';
export type { CommandTemplate } from './command-template.ts';
export { connect } from './connect.ts';
export {
  ConnectionError,
  type FieldProblem,
  RemoteError,
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
export type { ConnectOptions, RequestMetadata, SpecDefaults } from './options.ts';
export { OutputLostError } from './output-lost-error.ts';
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
  SystemText,
  TerminalOptions,
  TerminalSize,
} from './process-spec.ts';
export type { RemoteProcess } from './remote-process.ts';
export type { RemoteSession, StartOptions } from './remote-session.ts';
export type {
  OutputEncoding,
  OutputOf,
  RunningCommand,
  RunOptions,
  RunResult,
} from './run-options.ts';
export { RunOutputError } from './run-output-error.ts';
export type { RunletClient, SessionOptions } from './runlet-client.ts';
export { type LocalServer, type ServeOptions, serve } from './serve.ts';
export type { CallerInfo, ServerInfo, ServerLimits } from './server-info.ts';
export type { StartedProcess } from './started-process.ts';
export type { Pem, TlsOptions } from './tls-options.ts';
export type { TokenOption } from './token-source.ts';
export {
  type NarrowTokenOptions,
  type NewToken,
  type NewTokenOptions,
  narrowToken,
  newToken,
} from './tokens.ts';
