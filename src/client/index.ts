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
  type SandboxFailureInfo,
  SessionLostError,
  type SessionLostReason,
  type StartFailureInfo,
  StdinConflictError,
} from './errors.ts';
export { FileError, type FileFailureInfo } from './files/file-error.ts';
export type { FileInfo } from './files/file-info.ts';
export type {
  CopyOptions,
  FileAttributes,
  FileCallOptions,
  FollowLinksOptions,
  ListOptions,
  MakeDirectoryOptions,
  MoveOptions,
  ReadAllOptions,
  ReadOptions,
  ReadTextOptions,
  ReadTreeOptions,
  RemoveOptions,
  WalkOptions,
  WatchOptions,
  WriteOptions,
} from './files/file-options.ts';
export type { FileReadable } from './files/file-readable.ts';
export type { RemoteFiles } from './files/remote-files.ts';
export type {
  TransferOptions,
  TransferProgress,
  TransferResult,
} from './files/transfer/transfer-options.ts';
export type { TreeWritten } from './files/trees.ts';
export type { UploadContent } from './files/upload-source.ts';
export type { FileChange, FilesMissed, WatchEvent } from './files/watch-directory.ts';
export type { WrittenFile } from './files/write-file.ts';
export type {
  ChangeKindName,
  EndReasonName,
  FileKindName,
  InheritName,
  OutputStreamName,
  OverflowName,
  ProcessStateName,
  SandboxAccessName,
  SandboxNetworkName,
  SandboxPlaceName,
  SignalName,
  SignalScopeName,
  StdinModeName,
  WriteDispositionName,
} from './names.ts';
export type { FetchInit, FetchOptions, SessionFetch } from './network/fetch-options.ts';
export type { ListeningPort, ListeningPorts } from './network/list-ports.ts';
export {
  HttpError,
  type HttpFailureInfo,
  TunnelError,
  type TunnelFailureInfo,
  TunnelResetError,
} from './network/network-error.ts';
export type {
  ConnectTarget,
  ListenOptions,
  ListenTarget,
  PortsOptions,
  TunnelOptions,
} from './network/network-options.ts';
export type { RemoteListener } from './network/remote-listener.ts';
export type { RemoteSocket } from './network/remote-socket.ts';
export type { SessionAgentOptions } from './network/session-agent.ts';
export type {
  ConnectorTarget,
  DispatcherClass,
  SessionConnector,
  SessionConnectorOptions,
} from './network/session-connector.ts';
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
export type { SandboxOptions, SandboxRule } from './sandbox.ts';
export { SandboxError } from './sandbox-error.ts';
export { type LocalServer, type ServeOptions, serve } from './serve.ts';
export type {
  CallerInfo,
  FilesCapability,
  HttpCapability,
  SandboxCapability,
  SandboxProbe,
  ServerInfo,
  ServerLimits,
  ServerPlatform,
  TunnelCapability,
} from './server-info.ts';
export type { StartedProcess } from './started-process.ts';
export type {
  ProcessStats,
  ServerStats,
  SessionStats,
  Stats,
  StatsTotals,
  WatchStatsOptions,
} from './stats/stats.ts';
export type { Pem, TlsOptions } from './tls-options.ts';
export type { TokenOption } from './token-source.ts';
export {
  type NarrowTokenOptions,
  type NewToken,
  type NewTokenOptions,
  narrowToken,
  newToken,
} from './tokens.ts';
export type { TracingApi, TracingContext, TracingSpan } from './tracing.ts';
