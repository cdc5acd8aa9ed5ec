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
  MAX_ARGV_BYTES,
  MAX_ENV_PATTERN_BYTES,
  MAX_ENV_PATTERNS,
  MAX_ENV_SET_NAME_BYTES,
  MAX_ENV_VARIABLES,
  MAX_TIMEOUT_MS,
} from '../../limits.ts';
import type { LimitName, ResourceLimits } from '../../process/launcher.ts';
import type { ProcessSpec } from '../../process/process-spec.ts';
import { stringsBytes } from './encoded-size.ts';
import { parseDuration, parseEnum, parseLabels, parseTerminalSize, parseUint64 } from './fields.ts';

/** What is filled in where a spec is silent. */
export interface SpecDefaults {
  readonly cwd: string;
  readonly limits: Limits;
  /** What `OVERFLOW_UNSPECIFIED` means for the call. */
  readonly overflow: ProcessSpec['overflow'];
  /** Bytes of output that a process which pauses may be ahead of its readers. Default: all that is retained. */
  readonly pauseBytes?: number;
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
 * @throws RunletError `INVALID_REQUEST`
 */
export function parseProcessSpec(
  message: ProcessSpecMessage | undefined,
  defaults: SpecDefaults,
): ProcessSpec {
  if (message === undefined) throw invalidField('spec', 'is required');
  const { limits } = defaults;
  const argv = message.argv;
  if (argv.length === 0 || argv[0] === '') {
    throw invalidField('spec.argv', 'must name a program');
  }
  if (stringsBytes(argv) > MAX_ARGV_BYTES) {
    throw invalidField('spec.argv', `must take at most ${MAX_ARGV_BYTES} bytes`);
  }
  argv.forEach((argument, i) => {
    assertNoNul(`spec.argv[${i}]`, argument);
  });
  assertNoNul('spec.arg0', message.arg0);
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
    arg0: message.arg0 === '' ? (argv[0] ?? '') : message.arg0,
    cwd: parseCwd(message.cwd, defaults.cwd),
    envPolicy: parseEnvPolicy(message.envPolicy),
    env: withTerm(parseEnvironment('spec.env', message.env), message.terminal),
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
  };
}

/**
 * A text that is the same for two specs if, and only if, they are the same. The
 * order of a map is left to whoever encodes it, so it must not matter here.
 */
export function specFingerprint(message: ProcessSpecMessage | undefined): string {
  if (message === undefined) return '';
  const canonical = clone(ProcessSpecSchema, message);
  canonical.env = sorted(canonical.env);
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

function parseCwd(cwd: string, fallback: string): string {
  if (cwd === '') return fallback;
  assertNoNul('spec.cwd', cwd);
  if (!cwd.startsWith('/')) throw invalidField('spec.cwd', 'must be an absolute path');
  return cwd;
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

/** The errors name no variable: a client may have put a secret in the wrong place. */
function parseEnvironment(field: string, env: Readonly<Record<string, string>>): Environment {
  const entries = Object.entries(env);
  if (entries.length > MAX_ENV_VARIABLES) {
    throw invalidField(field, `more than ${MAX_ENV_VARIABLES} variables`);
  }
  for (const [name, value] of entries) {
    if (name === '' || /[=\0]/.test(name)) {
      throw invalidField(field, 'a name must not be empty nor contain "=" or NUL');
    }
    if (value.includes('\0')) throw invalidField(field, 'a value must not contain NUL');
  }
  return new Map(entries);
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

function assertNoNul(field: string, value: string): void {
  if (value.includes('\0')) throw invalidField(field, 'must not contain NUL');
}

function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  const byName = ([a]: [string, string], [b]: [string, string]): number => (a < b ? -1 : 1);
  return Object.fromEntries(Object.entries(map).sort(byName));
}
