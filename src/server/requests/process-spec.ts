import { createHash } from 'node:crypto';
import { clone, toBinary } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import type { Environment, EnvPolicy } from '../../environment/env-policy.ts';
import { invalidField } from '../../errors.ts';
import {
  type EnvPolicy as EnvPolicyMessage,
  Inherit,
  Overflow,
  type ProcessSpec as ProcessSpecMessage,
  ProcessSpecSchema,
  type ResourceLimits as ResourceLimitsMessage,
  ResourceLimitsSchema,
  StdinMode,
  type Terminal,
} from '../../gen/runlet/v1/process_pb.ts';
import {
  type Limits,
  MAX_ENV_PATTERN_BYTES,
  MAX_ENV_PATTERNS,
  MAX_ENV_SET_NAME_BYTES,
  MAX_TIMEOUT_MS,
} from '../../limits.ts';
import type { LimitName, ResourceLimits } from '../../process/launcher.ts';
import type { ProcessSpec } from '../../process/process-spec.ts';
import { sandboxUnavailable } from '../../sandbox/sandbox-failure.ts';
import type { SandboxLayer, SandboxSpec } from '../../sandbox/sandbox-spec.ts';
import { assertSandboxed } from '../require-sandbox.ts';
import { parseDuration, parseEnum, parseLabels, parseTerminalSize, parseUint64 } from './fields.ts';
import { parseSandbox } from './sandbox.ts';
import {
  assertEnvironmentFits,
  assertNoNul,
  parseArg0,
  parseArgv,
  parseCwd,
  parseEnvironment,
  parseUser,
} from './spec-texts.ts';

/** What is filled in where a spec is silent. */
export interface SpecDefaults {
  readonly cwd: string;
  readonly limits: Limits;
  /** Whether a spec has to have a sandbox. Default: false. */
  readonly sandboxRequired?: boolean;
  /** What `OVERFLOW_UNSPECIFIED` means for the call. */
  readonly overflow: ProcessSpec['overflow'];
  /** Bytes of output that a process which pauses may be ahead of its readers. Default: all that is retained. */
  readonly pauseBytes?: number;
  /** Profiles of sandboxes, by name. Default: there are no sandboxes, and each is refused. */
  readonly sandboxProfiles?: ReadonlyMap<string, SandboxLayer>;
}

/** What a terminal is called where nothing is said: what terminal programs emulate today. */
const DEFAULT_TERM = 'xterm-256color';

const STDIN_MODES = {
  [StdinMode.UNSPECIFIED]: 'closed',
  [StdinMode.CLOSED]: 'closed',
  [StdinMode.PIPE]: 'pipe',
} as const;

const INHERITS = {
  [Inherit.UNSPECIFIED]: 'all',
  [Inherit.ALL]: 'all',
  [Inherit.CORE]: 'core',
  [Inherit.NONE]: 'none',
} as const;

/**
 * Checks a spec and fills in its defaults.
 *
 * @throws RunletError `INVALID_REQUEST`, `LIMIT_EXCEEDED`, `SANDBOX_REQUIRED`
 */
export function parseProcessSpec(
  message: ProcessSpecMessage | undefined,
  defaults: SpecDefaults,
): ProcessSpec {
  if (message === undefined) throw invalidField('spec', 'is required');
  assertSandboxed(message.sandbox, defaults.sandboxRequired === true);
  const { limits } = defaults;
  const argv = parseArgv(message, limits);
  assertEnvironmentFits(message, limits);
  const overflow: ProcessSpec['overflow'] = parseEnum(
    'spec.output.overflow',
    message.output?.overflow ?? 0,
    {
      [Overflow.UNSPECIFIED]: defaults.overflow,
      [Overflow.DROP_OLDEST]: 'drop-oldest',
      [Overflow.PAUSE]: 'pause',
    },
  );
  const { pauseBytes = limits.defaultRetainedBytes } = defaults;
  return {
    argv,
    arg0: parseArg0(message) || (argv[0] ?? ''),
    cwd: parseCwd(message) || defaults.cwd,
    envPolicy: parseEnvPolicy(message.envPolicy),
    env: withTerm(parseEnvironment('spec.env', message.env, message.rawEnv), message.terminal),
    user: parseUser(message),
    sandbox: parseOwnSandbox(message, defaults),
    stdin: parseEnum('spec.stdin', message.stdin, STDIN_MODES),
    terminal:
      message.terminal === undefined
        ? undefined
        : parseTerminalSize('spec.terminal.size', message.terminal.size),
    mergeStderr: message.mergeStderr,
    limits: parseLimits(message.limits),
    timeoutMs: parseTimeout(message.timeout),
    drainTimeoutMs: parseDuration('spec.drain_timeout', message.drainTimeout, MAX_TIMEOUT_MS),
    retainedBytes:
      parseRetainedBytes(message.output?.retainedBytes ?? 0n, limits) ??
      Math.min(
        limits.defaultRetainedBytes,
        overflow === 'pause' ? pauseBytes : Number.POSITIVE_INFINITY,
      ),
    overflow,
    retentionMs:
      parseDuration('spec.retention', message.retention, limits.maxRetentionMs) ??
      limits.defaultRetentionMs,
    labels: parseLabels('spec.labels', message.labels),
    traceContext: message.traceContext,
    leftToServer: leftToServer(message),
  };
}

/** Undefined: it runs as the server does. */
function parseOwnSandbox(
  message: ProcessSpecMessage,
  { sandboxProfiles }: SpecDefaults,
): SandboxSpec | undefined {
  const { sandbox } = message;
  if (sandbox === undefined) return undefined;
  if (sandboxProfiles === undefined) {
    throw sandboxUnavailable('mechanism', '', 'this server has no sandboxes');
  }
  const given = parseCwd(message) !== '';
  return parseSandbox('spec.sandbox', sandbox, sandboxProfiles, { field: 'spec.cwd', given });
}

/** What it says nothing of. */
function leftToServer(message: ProcessSpecMessage): NonNullable<ProcessSpec['leftToServer']> {
  const { output, retention } = message;
  const left = new Set<'cwd' | 'retainedBytes' | 'retentionMs'>();
  if (parseCwd(message) === '') left.add('cwd');
  if ((output?.retainedBytes ?? 0n) === 0n) left.add('retainedBytes');
  if (retention === undefined) left.add('retentionMs');
  return left;
}

/**
 * A text that is the same for two specs if, and only if, they are the same. The
 * order of a map is left to whoever encodes it, so it must not matter here.
 */
export function specFingerprint(message: ProcessSpecMessage | undefined): string {
  if (message === undefined) return '';
  const canonical = clone(ProcessSpecSchema, message);
  canonical.env = sorted(canonical.env);
  canonical.rawEnv.sort((a, b) => Buffer.compare(a.name, b.name));
  canonical.labels = sorted(canonical.labels);
  if (canonical.envPolicy !== undefined) canonical.envPolicy.set = sorted(canonical.envPolicy.set);
  return createHash('sha256').update(toBinary(ProcessSpecSchema, canonical)).digest('base64');
}

/** The variable TERM, which the spec's own `env` overrides. */
function withTerm(env: Environment, terminal: Terminal | undefined): Environment {
  if (terminal === undefined || env.has('TERM')) return env;
  assertNoNul('spec.terminal.term', terminal.term);
  return new Map([...env, ['TERM', terminal.term === '' ? DEFAULT_TERM : terminal.term]]);
}

/** The least that makes sense of each limit that has more than 0 for it. */
const LEAST_LIMITS: Readonly<Record<string, bigint>> = { openFiles: 3n, cpuSeconds: 1n };

/** Undefined if none is set. Whether the server may give them is known where they are set. */
function parseLimits(message: ResourceLimitsMessage | undefined): ResourceLimits | undefined {
  if (message === undefined) return undefined;
  const limits: Partial<Record<LimitName, number>> = {};
  for (const { localName, name } of ResourceLimitsSchema.fields) {
    const value = message[localName as LimitName];
    if (value === undefined) continue;
    const field = `spec.limits.${name}`;
    const least = LEAST_LIMITS[localName] ?? 0n;
    if (value < least) throw invalidField(field, `must be at least ${least}`);
    limits[localName as LimitName] = parseUint64(field, value);
  }
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function parseTimeout(timeout: Duration | undefined): number | undefined {
  const ms = parseDuration('spec.timeout', timeout, MAX_TIMEOUT_MS);
  if (ms === 0) throw invalidField('spec.timeout', 'must be more than zero');
  return ms;
}

function parseEnvPolicy(policy: EnvPolicyMessage | undefined): EnvPolicy | undefined {
  if (policy === undefined) return undefined;
  assertAffordable(policy);
  return {
    inherit: parseEnum('spec.env_policy.inherit', policy.inherit, INHERITS),
    ignoreDefaultExcludes: policy.ignoreDefaultExcludes,
    exclude: policy.exclude,
    set: parseEnvironment('spec.env_policy.set', policy.set),
    includeOnly: policy.includeOnly,
  };
}

/** Patterns come from clients, and matching them holds everybody up. */
function assertAffordable({ exclude, includeOnly, set }: EnvPolicyMessage): void {
  const patterns = [...exclude, ...includeOnly];
  if (patterns.length > MAX_ENV_PATTERNS || totalBytes(patterns) > MAX_ENV_PATTERN_BYTES) {
    throw invalidField(
      'spec.env_policy',
      `more than ${MAX_ENV_PATTERNS} patterns, or ${MAX_ENV_PATTERN_BYTES} bytes of them`,
    );
  }
  if (totalBytes(Object.keys(set)) > MAX_ENV_SET_NAME_BYTES) {
    throw invalidField('spec.env_policy.set', `more than ${MAX_ENV_SET_NAME_BYTES} bytes of names`);
  }
}

function totalBytes(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

/** Undefined: nothing is said. */
function parseRetainedBytes(value: bigint, limits: Limits): number | undefined {
  if (value === 0n) return undefined;
  const bytes = parseUint64('spec.output.retained_bytes', value);
  if (bytes > limits.maxRetainedBytes) {
    throw invalidField('spec.output.retained_bytes', `must be at most ${limits.maxRetainedBytes}`);
  }
  return bytes;
}

function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  const byName = ([a]: [string, string], [b]: [string, string]): number => (a < b ? -1 : 1);
  return Object.fromEntries(Object.entries(map).sort(byName));
}
