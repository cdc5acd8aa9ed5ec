import {
  checkOptions,
  isChecked,
  isFlag,
  isFunction,
  isNumber,
  isObject,
  isOneOf,
  isSignal,
  isTerminal,
  isText,
  isTexts,
  type OptionChecks,
} from './check-options.ts';
import type { ConnectOptions, SpecDefaults } from './options.ts';
import type { EnvPolicy, ProcessSpec, ResourceLimits, TerminalOptions } from './process-spec.ts';
import type { StartOptions } from './remote-session.ts';
import type { SessionOptions } from './runlet-client.ts';

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
  cwd: isText,
  envPolicy: isObject,
  timeoutMs: isNumber,
};

/** What each option of a process has to be. @internal */
export const SPEC_CHECKS: OptionChecks<ProcessSpec> = {
  ...DEFAULT_CHECKS,
  // Argument by argument, where it becomes a message.
  argv: isChecked,
  arg0: isText,
  env: isObject,
  stdin: isOneOf(['closed', 'pipe']),
  terminal: isTerminal,
  mergeStderr: isFlag,
  drainTimeoutMs: isNumber,
  retainedBytes: isNumber,
  overflow: isOneOf(['drop-oldest', 'pause']),
  retentionMs: isNumber,
  limits: isObject,
  labels: isObject,
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

const START_CHECKS: OptionChecks<StartOptions> = { id: isText, signal: isSignal };

/** Refuses what is wrong with how a process is started. @internal */
export function checkStartOptions(options: StartOptions): void {
  checkOptions('start', options, START_CHECKS);
}

const SESSION_CHECKS: OptionChecks<SessionOptions> = {
  id: isText,
  detachedTtlMs: isNumber,
  labels: isObject,
  ifAttached: isOneOf(['take-over', 'reject', 'share']),
};

/** Refuses what is wrong with how a session is opened. @internal */
export function checkSessionOptions(options: SessionOptions): void {
  checkOptions('session', options, SESSION_CHECKS);
}

const CONNECT_CHECKS: OptionChecks<ConnectOptions> = {
  credentials: isObject,
  // An object of texts, or what gives one.
  metadata: (value) => (typeof value === 'function' ? undefined : isObject(value)),
  channelOptions: isObject,
  connectTimeoutMs: isNumber,
  windowMs: isNumber,
  initialBackoffMs: isNumber,
  maxBackoffMs: isNumber,
  attemptTimeoutMs: isNumber,
  keepaliveMs: isNumber,
  keepaliveTimeoutMs: isNumber,
  onConnectionChange: isFunction,
  flowControlWindowBytes: isNumber,
  defaults: isObject,
};

/** Refuses what is wrong with how a client connects. @internal */
export function checkConnectOptions(options: ConnectOptions): void {
  checkOptions('connect', options, CONNECT_CHECKS);
  const { defaults } = options;
  if (defaults === undefined) return;
  checkOptions('defaults', defaults, DEFAULT_CHECKS, 'defaults.');
  checkPolicy(defaults.envPolicy, 'defaults.');
}
