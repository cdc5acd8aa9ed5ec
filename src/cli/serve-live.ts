import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { Latch } from '../latch.ts';
import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import type { Adjustable, RunletServer } from '../server/server.ts';
import { checkFlags } from './serve-checks.ts';
import type { ServeConfig, Setting } from './serve-config.ts';
import type { ServeFlags } from './serve-flags.ts';
import { principalLimitsOf } from './serve-principals.ts';

/**
 * The keys whose values a server takes while it runs: those of what is looked at each time. Of all
 * others something was made at the start.
 */
export const LIVE_KEYS: ReadonlySet<string> = new Set([
  'log-level',
  'high-water',
  'max-sessions',
  'max-processes',
  'max-principal-sessions',
  'max-principal-processes',
  'max-principal-streams',
  'max-principal-starts',
  'principal-output-memory',
  'principal-output-disk',
  'retention',
  'retained-bytes',
  'max-retained-bytes',
  'detached-ttl',
  'min-detached-ttl',
  'max-detached-ttl',
  'tunnel-idle-timeout',
  'grace',
  'drain',
  'drain-timeout',
]);

/** What a server can be told while it runs, too. */
export function adjustableOf(flags: ServeFlags): Required<Adjustable> {
  return {
    limits: limitsOf(flags),
    highWater: flags.highWater,
    drain: flags.drain,
    drainMs: flags.drainTimeout * 1000,
    shutdownGraceMs: flags.grace * 1000,
  };
}

function limitsOf(flags: ServeFlags): Partial<Limits> {
  return {
    defaultRetentionMs: flags.retention * 1000,
    maxRetentionMs: Math.max(DEFAULT_LIMITS.maxRetentionMs, flags.retention * 1000),
    defaultRetainedBytes: flags.retainedBytes,
    maxRetainedBytes: Math.max(flags.maxRetainedBytes, flags.retainedBytes),
    outputMemoryBytes: flags.outputMemory,
    outputDiskBytes: flags.outputDisk,
    maxSessions: flags.maxSessions,
    maxProcesses: flags.maxProcesses,
    heartbeatMs: flags.heartbeat * 1000,
    tunnelIdleMs: flags.tunnelIdleTimeout * 1000,
    minDetachedTtlMs: flags.minDetachedTtl * 1000,
    defaultDetachedTtlMs: flags.detachedTtl * 1000,
    maxDetachedTtlMs: flags.maxDetachedTtl * 1000,
    ...principalLimitsOf(flags),
  };
}

/** The configuration of a server that runs: as much of it as is in force. */
export class LiveConfig {
  readonly #read: () => Promise<ServeConfig>;
  readonly #log: Pick<Logger, 'info' | 'level' | 'warn'>;
  readonly #served = new Latch();
  #config: ServeConfig;
  #server: Pick<RunletServer, 'adjust'> | undefined;

  /** `read` finds what the file says now, with the same flags and variables. */
  constructor(
    config: ServeConfig,
    read: () => Promise<ServeConfig>,
    log: Pick<Logger, 'info' | 'level' | 'warn'>,
  ) {
    this.#config = config;
    this.#read = read;
    this.#log = log;
  }

  get flags(): ServeFlags {
    return this.#config.flags;
  }

  /** There is a server that can be told. */
  serves(server: Pick<RunletServer, 'adjust'>): void {
    this.#server = server;
    this.#served.open();
  }

  /**
   * Reads the file again, and has what can be of it take effect; what cannot is named in the log.
   * Waits until there is a server.
   *
   * @throws UsageError if something in it is wrong; nothing of it takes effect then
   */
  async reload(): Promise<void> {
    await this.#served.wait();
    const next = await this.#read();
    checkFlags(next.flags);
    const changed = next.settings.filter((setting) => this.#differs(setting, next.flags));
    const taken = changed.filter(({ key }) => LIVE_KEYS.has(key.name));
    const flags = { ...this.flags, ...valuesOf(taken, next.flags) };
    // What stays as it was has to fit what does not.
    checkFlags(flags);
    const settings = this.#config.settings.map(
      (setting) => taken.find(({ key }) => key.name === setting.key.name) ?? setting,
    );
    this.#config = { ...this.#config, flags, settings };
    this.#log.level = flags.logLevel;
    this.#server?.adjust(adjustableOf(flags));
    const { file } = this.#config;
    this.#log.info({ file, keys: namesOf(taken) }, 'the configuration is in force');
    const left = namesOf(changed.filter((setting) => !taken.includes(setting)));
    if (left.length > 0) {
      this.#log.warn(
        { file, keys: left },
        'what has changed of these keys holds from the next start',
      );
    }
  }

  #differs({ key, texts }: Setting, next: ServeFlags): boolean {
    const before = this.#config.settings.find((setting) => setting.key.name === key.name);
    // Some values are functions, which are never the same.
    if (isDeepStrictEqual(before?.texts, texts)) return false;
    return !isDeepStrictEqual(valueIn(this.flags, key.attribute), valueIn(next, key.attribute));
  }
}

function namesOf(settings: readonly Setting[]): readonly string[] {
  return settings.map(({ key }) => key.name);
}

function valuesOf(settings: readonly Setting[], flags: ServeFlags): Partial<ServeFlags> {
  return Object.fromEntries(
    settings.map(({ key }) => [key.attribute, valueIn(flags, key.attribute)]),
  );
}

function valueIn(flags: ServeFlags, attribute: string): unknown {
  return Object.entries(flags).find(([name]) => name === attribute)?.[1];
}
