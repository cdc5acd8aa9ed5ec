import {
  checkOptions,
  isChecked,
  isFlag,
  isFunction,
  isId,
  isLabels,
  isNumber,
  isObject,
  isOneOf,
  isRecord,
  isSignal,
  isSystemText,
  isTerminal,
  isText,
  isTexts,
  isTime,
  isTimer,
  isWhole,
  type OptionCheck,
  type OptionChecks,
} from './check-options.ts';
import { OptionError } from './client-error.ts';
import type { SignalScopeName } from './names.ts';
import type { ConnectOptions, SpecDefaults } from './options.ts';
import type {
  EnvPolicy,
  ProcessSpec,
  ResourceLimits,
  TerminalOptions,
  TerminalSize,
} from './process-spec.ts';
import type { StartOptions } from './remote-session.ts';
import type { SessionOptions } from './runlet-client.ts';
import { isSandbox, sandboxMessage } from './sandbox.ts';
import type { WatchStatsOptions } from './stats/stats.ts';

const POLICY_CHECKS: OptionChecks<EnvPolicy> = {
  inherit: isOneOf(['all', 'core', 'none']),
  ignoreDefaultExcludes: isFlag,
  exclude: isTexts,
  set: isObject,
  includeOnly: isTexts,
};

const LIMIT_CHECKS: OptionChecks<ResourceLimits> = {
  openFiles: isNumber,
  processes: isNumber,
  addressSpaceBytes: isNumber,
  fileBytes: isNumber,
  coreBytes: isNumber,
  cpuSeconds: isNumber,
};

const TERMINAL_CHECKS: OptionChecks<TerminalOptions> = {
  columns: isNumber,
  rows: isNumber,
  term: isText,
};

const DEFAULT_CHECKS: OptionChecks<SpecDefaults> = {
  cwd: isSystemText,
  envPolicy: isObject,
  timeoutMs: isTime,
  sandbox: isSandbox,
};

/** A name, or a number: an empty name would be that of nobody in particular. */
const isUser: OptionCheck = (value) =>
  (typeof value === 'string' && value !== '') || (Number.isSafeInteger(value) && Number(value) >= 0)
    ? undefined
    : 'the name of a user or its number';

/** What each option of a process has to be. @internal */
export const SPEC_CHECKS: OptionChecks<ProcessSpec> = {
  ...DEFAULT_CHECKS,
  // Argument by argument, where it becomes a message.
  argv: isChecked,
  arg0: isSystemText,
  env: isObject,
  user: isUser,
  stdin: isOneOf(['closed', 'pipe']),
  terminal: isTerminal,
  mergeStderr: isFlag,
  traceContext: isFlag,
  drainTimeoutMs: isNumber,
  retainedBytes: isNumber,
  overflow: isOneOf(['drop-oldest', 'pause']),
  retentionMs: isNumber,
  limits: isObject,
  labels: isLabels,
};

/** Refuses what is wrong with a spec. @internal */
export function checkSpec(spec: ProcessSpec): void {
  checkOptions('start', spec, SPEC_CHECKS);
  checkPolicy(spec.envPolicy, '');
  if (spec.limits !== undefined) checkOptions('limits', spec.limits, LIMIT_CHECKS, 'limits.');
  if (typeof spec.terminal === 'object') {
    checkOptions('terminal', spec.terminal, TERMINAL_CHECKS, 'terminal.');
  }
}

function checkPolicy(policy: EnvPolicy | undefined, prefix: string): void {
  if (policy === undefined) return;
  checkOptions('envPolicy', policy, POLICY_CHECKS, `${prefix}envPolicy.`);
}

const START_CHECKS: OptionChecks<StartOptions> = { id: isId, signal: isSignal };

/** Refuses what is wrong with how a process is started. @internal */
export function checkStartOptions(options: StartOptions): void {
  checkOptions('start', options, START_CHECKS);
}

const SESSION_CHECKS: OptionChecks<SessionOptions> = {
  id: isId,
  detachedTtlMs: isTime,
  labels: isLabels,
  ifAttached: isOneOf(['take-over', 'reject', 'share']),
};

/** Refuses what is wrong with how a session is opened. @internal */
export function checkSessionOptions(options: SessionOptions): void {
  checkOptions('session', options, SESSION_CHECKS);
}

const WATCH_STATS_CHECKS: OptionChecks<WatchStatsOptions> = {
  intervalMs: isTime,
  all: isFlag,
  signal: isSignal,
  onConnectionChange: isFunction,
};

/** Refuses what is wrong with how a server is watched. @internal */
export function checkWatchStatsOptions(options: WatchStatsOptions): void {
  checkOptions('watchStats', options, WATCH_STATS_CHECKS);
}

/** What HTTP/2 allows. */
const isWindow = isWhole(65_535, 2 ** 31 - 1);

const isCredentials: OptionCheck = (value) =>
  isObject(value) === undefined && '_createSecureConnector' in Object(value)
    ? undefined
    : 'ChannelCredentials of @grpc/grpc-js';

const CONNECT_CHECKS: OptionChecks<ConnectOptions> = {
  tls: (value) =>
    typeof value === 'boolean' || isRecord(value) ? undefined : 'true, false or an object',
  // Whatever is wrong with it, it is not told.
  token: isChecked,
  allowInsecure: isFlag,
  credentials: isCredentials,
  // An object of texts, or what gives one.
  metadata: (value) => (typeof value === 'function' ? undefined : isObject(value)),
  channelOptions: isObject,
  connectTimeoutMs: isTime,
  windowMs: isTime,
  initialBackoffMs: isTimer,
  maxBackoffMs: isTimer,
  attemptTimeoutMs: isTimer,
  keepaliveMs: isTimer,
  keepaliveTimeoutMs: isTimer,
  onConnectionChange: isFunction,
  flowControlWindowBytes: isWindow,
  tracing: (value) =>
    isRecord(value) && isRecord(value['context']) && isRecord(value['trace'])
      ? undefined
      : 'the module @opentelemetry/api',
  defaults: isObject,
};

/** Refuses what is wrong with how a client connects. @internal */
export function checkConnectOptions(options: ConnectOptions): void {
  checkOptions('connect', options, CONNECT_CHECKS);
  const { credentials, defaults, tls = false } = options;
  if (tls !== false && credentials !== undefined) {
    throw new OptionError('tls', 'tls cannot be used with credentials');
  }
  if (defaults === undefined) return;
  checkOptions('defaults', defaults, DEFAULT_CHECKS, 'defaults.');
  checkPolicy(defaults.envPolicy, 'defaults.');
  const { sandbox = false } = defaults;
  if (sandbox !== false) sandboxMessage(sandbox, 'defaults.');
}

/** How a process is signaled or ended. @internal */
export interface EndOptions {
  readonly graceMs?: number | undefined;
  readonly scope?: SignalScopeName | undefined;
}

const isScope = isOneOf(['group', 'leader', 'tree']);

/** Refuses what is wrong with how a process is signaled. @internal */
export function checkKillOptions(options: Pick<EndOptions, 'scope'>): void {
  checkOptions('kill', options, { scope: isScope });
}

/** Refuses what is wrong with how a process is ended. @internal */
export function checkTerminateOptions(options: EndOptions): void {
  checkOptions('terminate', options, { graceMs: isTime, scope: isScope });
}

/** Refuses what is no size of a terminal. @internal */
export function checkSize(size: TerminalSize): void {
  checkOptions('resize', size, { columns: isNumber, rows: isNumber });
}

/** Which events are read. @internal */
export interface EventsOptions {
  readonly after?: number;
  readonly signal?: AbortSignal;
}

/** Refuses what is wrong with how events are read. @internal */
export function checkEventsOptions(options: EventsOptions): void {
  checkOptions('events', options, { after: isNumber, signal: isSignal });
}

/** Refuses what is no id of a process. @internal */
export function checkProcessId(id: string): void {
  const wanted = isId(id);
  if (wanted !== undefined) throw new OptionError('id', `id must be ${wanted}`);
}
