import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ProcessSpecSchema } from '../gen/runlet/v1/process_pb.ts';
import { OptionError } from './client-error.ts';
import {
  INHERITS,
  type InheritName,
  OVERFLOWS,
  type OverflowName,
  STDIN_MODES,
  type StdinModeName,
} from './names.ts';
import { duration, wholeBigInt, wholeNumber } from './numbers.ts';
import { checkSpec } from './option-checks.ts';
import { cwdInSandbox, processSandboxMessage, type SandboxOptions } from './sandbox.ts';
import { text, textFields } from './system-text.ts';

/** How the environment of a process is made from the server's own; see `EnvPolicy` in the protos. */
export interface EnvPolicy {
  /** Which variables to start from. Default: `all`. */
  readonly inherit?: InheritName;
  /** Whether to keep names that look like secrets (`*KEY*`, `*SECRET*`, `*TOKEN*`). Default: false. */
  readonly ignoreDefaultExcludes?: boolean;
  /** Patterns of names to drop: `*` is any run of characters, `?` one. */
  readonly exclude?: readonly string[];
  /** Variables to set, before `includeOnly` filters. Those that are undefined are left out. */
  readonly set?: Readonly<Record<string, string | undefined>>;
  /** Patterns of names to keep. Default: all. */
  readonly includeOnly?: readonly string[];
}

/** What a process and each of its descendants may use; see `ResourceLimits` in the protos. */
export interface ResourceLimits {
  readonly openFiles?: number;
  readonly processes?: number;
  readonly addressSpaceBytes?: number;
  readonly fileBytes?: number;
  readonly coreBytes?: number;
  readonly cpuSeconds?: number;
}

/** The size of a terminal, in characters. */
export interface TerminalSize {
  /** 1 to 65,535. */
  readonly columns: number;
  /** 1 to 65,535. */
  readonly rows: number;
}

/** The terminal of a process. */
export interface TerminalOptions extends Partial<TerminalSize> {
  /** What it is called in TERM. Default: `xterm-256color`. */
  readonly term?: string;
}

/**
 * What the system takes as bytes: a text, which is UTF-8 there, or any bytes without NUL. Those
 * that are not UTF-8 are refused by a server that cannot hand them on.
 */
export type SystemText = string | Uint8Array;

/** What to run, and how. Only `argv` has to be there. Times are in milliseconds. */
export interface ProcessSpec {
  /** The program and its arguments: a path, or a name to look up in the PATH of `env`. */
  readonly argv: readonly SystemText[];
  /** What the program sees as its own name. Default: the first of `argv`. */
  readonly arg0?: SystemText;
  /** The working directory, an absolute path on the server. Default: the server's. */
  readonly cwd?: SystemText | undefined;
  /** What it inherits of the server's environment. Default: nothing; it is exactly `env`. */
  readonly envPolicy?: EnvPolicy | undefined;
  /**
   * Variables to set, over what `envPolicy` lets through. One that is undefined is removed from
   * that, in whatever case it is written there.
   */
  readonly env?: Readonly<Record<string, SystemText | undefined>>;
  /**
   * Whom it runs as, by name or number: where the server can do that, with the groups, `HOME`, `USER`,
   * `LOGNAME` and `SHELL` of that user. Cannot be given with `arg0`. Default: as the server runs.
   */
  readonly user?: string | number | undefined;
  /**
   * What it can reach. It starts in its `cwd`, which has to be visible there, or, without one, in the
   * private folder for temporary files, or in `/`. False: nothing is kept from it, whatever the
   * client's defaults say. Default: that of the client, or none.
   */
  readonly sandbox?: SandboxOptions | false | undefined;
  /** `pipe`: it can be written to. Default: `closed`, it reads end-of-file at once. */
  readonly stdin?: StdinModeName;
  /** Gives it a terminal for stdin, stdout and stderr. Default: it has none. */
  readonly terminal?: TerminalOptions | boolean;
  /** Whether standard error goes where standard output goes. Default: false. */
  readonly mergeStderr?: boolean;
  /** How long it may run; then it is terminated. Infinity, the default: as long as it likes. */
  readonly timeoutMs?: number | undefined;
  /** How long after its exit output that descendants hold open is read. Default: to its end. */
  readonly drainTimeoutMs?: number;
  /** Bytes of output to retain. Default: the server's. */
  readonly retainedBytes?: number;
  /** What to do with more. Default: `drop-oldest`, and `pause` for `client.run`. */
  readonly overflow?: OverflowName;
  /**
   * How long it can be read after its end. Default: as long as the session outlives a break,
   * so that a process which ends during a break can be read after it.
   */
  readonly retentionMs?: number;
  /** Default: what the server may. */
  readonly limits?: ResourceLimits;
  /** Labels to keep with it. They are listed: no secrets. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Whether it is told where in which trace it is, in `TRACEPARENT` and `TRACESTATE`: where the
   * server traces, or `tracing` is among the options of this client. Default: false.
   */
  readonly traceContext?: boolean;
}

/** Columns or rows at most. */
const MAX_CELLS = 65_535;

/** The message of a spec. @internal */
export function specMessage(
  spec: ProcessSpec,
  defaultRetentionMs: number,
): MessageInitShape<typeof ProcessSpecSchema> {
  checkSpec(spec);
  const { drainTimeoutMs, envPolicy, retentionMs, sandbox = false, terminal } = spec;
  const timeoutMs = spec.timeoutMs === Number.POSITIVE_INFINITY ? undefined : spec.timeoutMs;
  return {
    ...textFields({ ...spec, cwd: cwdInSandbox(spec.cwd, sandbox) }),
    user: spec.user === undefined ? '' : text('user', String(spec.user)),
    stdin: spec.stdin === undefined ? 0 : STDIN_MODES.value(spec.stdin),
    mergeStderr: spec.mergeStderr ?? false,
    traceContext: spec.traceContext ?? false,
    labels: { ...spec.labels },
    output: {
      retainedBytes: wholeBigInt('retainedBytes', spec.retainedBytes ?? 0),
      overflow: spec.overflow === undefined ? 0 : OVERFLOWS.value(spec.overflow),
    },
    retention: duration('retentionMs', retentionMs ?? defaultRetentionMs),
    ...(timeoutMs === undefined ? {} : { timeout: duration('timeoutMs', timeoutMs) }),
    ...(drainTimeoutMs === undefined
      ? {}
      : { drainTimeout: duration('drainTimeoutMs', drainTimeoutMs) }),
    ...(envPolicy === undefined ? {} : { envPolicy: envPolicyMessage(envPolicy, spec.env) }),
    ...(sandbox === false ? {} : { sandbox: processSandboxMessage(sandbox) }),
    ...(spec.limits === undefined ? {} : { limits: limitsMessage(spec.limits) }),
    ...(terminal === undefined || terminal === false
      ? {}
      : { terminal: terminalMessage(terminal === true ? {} : terminal) }),
  };
}

/** Variables. Those that are undefined are left out, as Node.js does when it starts a program. */
function variables(
  name: string,
  given: Readonly<Record<string, string | undefined>> | undefined,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given ?? {}).flatMap(([key, value]) =>
      value === undefined ? [] : [[text(`a name in ${name}`, key), text(`${name}.${key}`, value)]],
    ),
  );
}

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;

function envPolicyMessage(
  policy: EnvPolicy,
  env: ProcessSpec['env'] = {},
): NonNullable<SpecInit['envPolicy']> {
  const removed = Object.keys(env).filter((name) => env[name] === undefined);
  for (const name of removed) {
    if (!/[*?]/.test(name)) continue;
    throw new OptionError(`env.${name}`, `env.${name} cannot be removed: it would be a pattern`);
  }
  const set = Object.entries(policy.set ?? {}).filter(([name]) => !removed.includes(name));
  return {
    inherit: policy.inherit === undefined ? 0 : INHERITS.value(policy.inherit),
    ignoreDefaultExcludes: policy.ignoreDefaultExcludes ?? false,
    exclude: [...(policy.exclude ?? []), ...removed],
    set: variables('envPolicy.set', Object.fromEntries(set)),
    includeOnly: [...(policy.includeOnly ?? [])],
  };
}

function limitsMessage(limits: ResourceLimits): NonNullable<SpecInit['limits']> {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([name, value]) => [name, wholeBigInt(`limits.${name}`, value)]),
  );
}

function terminalMessage({
  columns = 0,
  rows = 0,
  term = '',
}: TerminalOptions): NonNullable<SpecInit['terminal']> {
  return { size: sizeMessage({ columns, rows }), term };
}

/** The message of a size. @internal */
export function sizeMessage({ columns, rows }: TerminalSize): {
  readonly columns: number;
  readonly rows: number;
} {
  return {
    columns: wholeNumber('columns', columns, MAX_CELLS),
    rows: wholeNumber('rows', rows, MAX_CELLS),
  };
}
