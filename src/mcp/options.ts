import {
  checkOptions,
  isChecked,
  isFunction,
  isLabels,
  isObject,
  isText,
  isTexts,
  isTime,
  isWhole,
  type OptionChecks,
} from '../client/check-options.ts';
import { OptionError } from '../client/client-error.ts';
import type { ConnectOptions, EnvPolicy, ProcessSpec, RemoteSession } from '../client/index.ts';
import { isSandbox, processSandboxMessage } from '../client/sandbox.ts';
import { type Clock, systemClock } from '../clock.ts';
import { CORE_NAMES } from '../environment/env-policy.ts';

/** How an MCP server is run, wherever that is. */
export interface McpServerOptions
  extends Pick<
    ProcessSpec,
    'arg0' | 'argv' | 'cwd' | 'env' | 'labels' | 'limits' | 'retainedBytes' | 'sandbox'
  > {
  /**
   * Names of variables of the runlet server that the MCP server gets beside the core ones
   * (PATH, HOME and the like), those that look like secrets included. Names, no patterns.
   * Default: none.
   */
  readonly inherit?: readonly string[];
  /** What it inherits instead; not together with `inherit`. Default: the core variables. */
  readonly envPolicy?: EnvPolicy;
  /**
   * Takes what the MCP server writes to standard error, as it comes: bytes that may end
   * anywhere in a line or a character. Default: it is thrown away.
   */
  readonly onStderr?: (chunk: Buffer) => void;
  /**
   * Bytes that one message of the MCP server may have: 1 to 268,435,456. A longer one ends
   * the transport. Default: 67,108,864 (64 MiB).
   */
  readonly maxLineBytes?: number;
  /**
   * How long the MCP server has to exit after the end of its stdin, and again after
   * SIGTERM, in milliseconds. Default: 2000.
   */
  readonly graceMs?: number;
}

/** Where an MCP server is run. */
export type McpServerPlace =
  /** In a session of the program's, which stays open. */
  | { readonly session: RemoteSession; readonly address?: undefined }
  /** On the runlet server at an address, in a session that ends with the transport. */
  | {
      readonly address: string;
      readonly session?: undefined;
      /** How to connect. */
      readonly connect?: ConnectOptions;
      /**
       * How long the MCP server outlives this program if that ends without closing the
       * transport, in milliseconds. Default: that of the runlet server.
       */
      readonly detachedTtlMs?: number;
    };

/** How a transport runs its MCP server. */
export type RunletTransportOptions = McpServerOptions & McpServerPlace;

/** The options, checked and with every default filled in. */
export interface TransportSettings {
  readonly place: McpServerPlace;
  readonly spec: ProcessSpec;
  readonly onStderr: ((chunk: Buffer) => void) | undefined;
  readonly maxLineBytes: number;
  readonly graceMs: number;
  readonly clock: Clock;
}

const DEFAULT_MAX_LINE_BYTES = 64 * 1024 * 1024;
/** Half of what a string of V8 can hold. */
const MAX_MAX_LINE_BYTES = 256 * 1024 * 1024;
const DEFAULT_GRACE_MS = 2_000;
/** What a server takes. */
const MAX_GRACE_MS = 3_600_000;

/**
 * How long output is read that descendants of a server process hold open after its end,
 * in milliseconds. They are ended when it exits; this is for what cannot be found.
 */
const DRAIN_TIMEOUT_MS = 10_000;

type AllOptions = McpServerOptions & {
  readonly session?: RemoteSession | undefined;
  readonly address?: string | undefined;
  readonly connect?: ConnectOptions;
  readonly detachedTtlMs?: number;
};

const CHECKS: OptionChecks<AllOptions> = {
  // By those of the process.
  argv: isChecked,
  arg0: isText,
  cwd: isText,
  env: isObject,
  labels: isLabels,
  limits: isObject,
  retainedBytes: isWhole(0, Number.MAX_SAFE_INTEGER),
  sandbox: isSandbox,
  inherit: isTexts,
  envPolicy: isObject,
  onStderr: isFunction,
  maxLineBytes: isWhole(1, MAX_MAX_LINE_BYTES),
  graceMs: isWhole(0, MAX_GRACE_MS),
  session: isObject,
  address: isText,
  connect: isObject,
  detachedTtlMs: isTime,
};

/**
 * Checks the options and fills in the defaults.
 *
 * @throws OptionError
 */
export function transportSettings(options: RunletTransportOptions): TransportSettings {
  checkOptions<AllOptions>('RunletClientTransport', options, CHECKS);
  const { graceMs = DEFAULT_GRACE_MS, maxLineBytes = DEFAULT_MAX_LINE_BYTES } = options;
  if ((options.session === undefined) === (options.address === undefined)) {
    throw new OptionError('address', 'either a session or an address has to be given');
  }
  if (options.session !== undefined) assertNothingOfAnAddress(options);
  const { arg0, argv, cwd, env, labels, limits, retainedBytes, sandbox } = options;
  if (sandbox !== undefined && sandbox !== false) processSandboxMessage(sandbox);
  return {
    place: options,
    spec: {
      argv,
      ...(arg0 === undefined ? {} : { arg0 }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
      ...(labels === undefined ? {} : { labels }),
      ...(limits === undefined ? {} : { limits }),
      ...(retainedBytes === undefined ? {} : { retainedBytes }),
      ...(sandbox === undefined ? {} : { sandbox }),
      envPolicy: environmentOf(options),
      overflow: 'pause',
      drainTimeoutMs: DRAIN_TIMEOUT_MS,
    },
    onStderr: options.onStderr,
    maxLineBytes,
    graceMs,
    clock: systemClock,
  };
}

function environmentOf({ envPolicy, inherit = [] }: McpServerOptions): EnvPolicy {
  if (envPolicy !== undefined) {
    if (inherit.length > 0) {
      throw new OptionError('inherit', 'inherit and envPolicy exclude each other');
    }
    return envPolicy;
  }
  if (inherit.length === 0) return { inherit: 'core' };
  for (const name of inherit) {
    // It would let secrets through that nobody named.
    if (name === '' || /[*?]/.test(name)) {
      throw new OptionError('inherit', `inherit: ${name} is no name`);
    }
  }
  // The default excludes come before anything that could bring a name back.
  return {
    inherit: 'all',
    ignoreDefaultExcludes: true,
    includeOnly: [...new Set([...CORE_NAMES, ...inherit])],
  };
}

/** Refuses what means nothing where the session is the program's. */
function assertNothingOfAnAddress({ connect, detachedTtlMs }: AllOptions): void {
  for (const [name, value] of Object.entries({ connect, detachedTtlMs })) {
    if (value !== undefined) {
      throw new OptionError(name, `${name} goes with an address, and not with a session`);
    }
  }
}
