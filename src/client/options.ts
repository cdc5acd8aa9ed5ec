import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { type Clock, idleClock } from '../clock.ts';
import { KeepAlive } from './keep-alive.ts';
import { checkConnectOptions } from './option-checks.ts';
import type { EnvPolicy, SystemText } from './process-spec.ts';
import { requestMetadata } from './request-metadata.ts';

/** Request metadata: names in lower case. */
export type RequestMetadata = Readonly<Record<string, string>>;

/** What every process of a client is started with unless its own options say otherwise. */
export interface SpecDefaults {
  /** The working directory, an absolute path on the server. Default: the server's. */
  readonly cwd?: SystemText | undefined;
  /** What processes inherit of the server's environment. Default: nothing. */
  readonly envPolicy?: EnvPolicy | undefined;
  /** How long a process may run, in milliseconds; Infinity: as long as it likes. Default: that. */
  readonly timeoutMs?: number | undefined;
}

/** How a client connects. Every field may be left out. */
export interface ConnectOptions {
  /**
   * The credentials of grpc-js, for TLS: `credentials.createSsl(...)`. Default: none, the
   * connection is not encrypted.
   */
  readonly credentials?: ChannelCredentials;
  /**
   * Metadata for every call, a token for example; a function is asked anew for each. One that
   * fails while the client connects again is asked again, within the recovery window.
   */
  readonly metadata?: RequestMetadata | (() => RequestMetadata | Promise<RequestMetadata>);
  /** Options of grpc-js, over those that the client sets. */
  readonly channelOptions?: ChannelOptions;
  /**
   * How long the first connection of a session may take, in milliseconds, attempts that
   * fail included. 0: one attempt; Infinity: for ever. Default: 10,000.
   */
  readonly connectTimeoutMs?: number;
  /**
   * The recovery window: how long the client tries to come back to a session after its
   * connection broke, in milliseconds; Infinity: for ever. Default: the `detachedTtlMs` of the session, after
   * which the server has ended it.
   */
  readonly windowMs?: number;
  /** The longest first pause between two attempts, in milliseconds from 1 on. Default: 100. */
  readonly initialBackoffMs?: number;
  /** The longest pause between two attempts, in milliseconds from 1 on. Default: 3000. */
  readonly maxBackoffMs?: number;
  /** How long one attempt may take, in milliseconds from 1 on. Default: 10,000. */
  readonly attemptTimeoutMs?: number;
  /** How often a connection is probed, in milliseconds from 1 on. Default: 20,000. */
  readonly keepaliveMs?: number;
  /** How long the answer to a probe may take, in milliseconds from 1 on. Default: 10,000. */
  readonly keepaliveTimeoutMs?: number;
  /**
   * Told when the connection of a session broke (false), and when there is one again (true),
   * for those who want to say so. Not of the first, and not of the session's loss.
   */
  readonly onConnectionChange?: (connected: boolean, sessionId: string) => void;
  /**
   * Bytes that the server may send ahead on one stream, 65,535 or more: what one process
   * whose output nobody reads takes of this program's memory. Default: 4 MiB.
   */
  readonly flowControlWindowBytes?: number;
  /** What `run` and `start` do where their options do not say. Default: nothing. */
  readonly defaults?: SpecDefaults;
}

/** The options with every default filled in, and what tests replace. @internal */
export interface ClientSettings
  extends Required<Omit<ConnectOptions, 'credentials' | 'windowMs' | 'metadata'>> {
  readonly credentials: ChannelCredentials | undefined;
  readonly windowMs: number | undefined;
  readonly metadata: () => RequestMetadata | Promise<RequestMetadata>;
  readonly clock: Clock;
  /** Told what the program waits for. */
  readonly keepAlive: KeepAlive;
  readonly random: () => number;
}

/**
 * Fills in the defaults.
 *
 * @throws OptionError
 * @internal
 */
export function clientSettings(options: ConnectOptions): ClientSettings {
  checkConnectOptions(options);
  return {
    credentials: options.credentials,
    channelOptions: options.channelOptions ?? {},
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    windowMs: options.windowMs,
    initialBackoffMs: options.initialBackoffMs ?? 100,
    maxBackoffMs: options.maxBackoffMs ?? 3_000,
    attemptTimeoutMs: options.attemptTimeoutMs ?? 10_000,
    keepaliveMs: options.keepaliveMs ?? 20_000,
    keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? 10_000,
    onConnectionChange: options.onConnectionChange ?? (() => {}),
    flowControlWindowBytes: options.flowControlWindowBytes ?? 4 * 1024 * 1024,
    defaults: options.defaults ?? {},
    metadata: requestMetadata(options.metadata ?? {}),
    clock: idleClock,
    keepAlive: new KeepAlive(),
    random: Math.random,
  };
}
