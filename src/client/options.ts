import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { type Address, formatAddress, isLoopback } from '../address.ts';
import { type Clock, idleClock } from '../clock.ts';
import { OptionError } from './client-error.ts';
import { KeepAlive } from './keep-alive.ts';
import { checkConnectOptions } from './option-checks.ts';
import type { EnvPolicy, SystemText } from './process-spec.ts';
import { metadataWithToken, requestMetadata } from './request-metadata.ts';
import type { SandboxOptions } from './sandbox.ts';
import { type TlsOptions, tlsCredentials } from './tls-options.ts';
import { type TokenOption, tokenSource } from './token-source.ts';
import type { TracingApi } from './tracing.ts';

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
  /** What processes can reach, and calls about files, of which each may say another. Default: all. */
  readonly sandbox?: SandboxOptions | false | undefined;
}

/** How a client connects. Every field may be left out. */
export interface ConnectOptions {
  /**
   * TLS: with authorities of one's own, a certificate of this client and the like; true: as
   * Node.js does it by itself. Default: none, the connection is not encrypted.
   */
  readonly tls?: boolean | TlsOptions;
  /**
   * The token that says who calls. A function is asked anew for each call; `{ file }` is read
   * again when it has changed, about a second later. Not sent in plaintext beyond this machine.
   * Default: none.
   */
  readonly token?: TokenOption;
  /**
   * Lets the token be sent in plaintext beyond this machine, where everybody on the way can read
   * it and act in its name. Default: false.
   */
  readonly allowInsecure?: boolean;
  /** The credentials of grpc-js, for what `tls` cannot say. Not beside it. */
  readonly credentials?: ChannelCredentials;
  /**
   * Metadata for every call; a function is asked anew for each. One that fails while the client
   * connects again is asked again, within the recovery window.
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
  /**
   * The module `@opentelemetry/api` of a program that traces: each call gets a span below what is
   * active then, of which the server is told. Default: none.
   */
  readonly tracing?: TracingApi | undefined;
  /** What `run` and `start` do where their options do not say. Default: nothing. */
  readonly defaults?: SpecDefaults;
}

/** The options with every default filled in, and what tests replace. @internal */
export interface ClientSettings
  extends Required<
    Omit<
      ConnectOptions,
      'allowInsecure' | 'credentials' | 'metadata' | 'tls' | 'token' | 'tracing' | 'windowMs'
    >
  > {
  /** Undefined: the connection is not encrypted. */
  readonly credentials: ChannelCredentials | undefined;
  /** The name of the server, in TLS and for proxies; undefined: that of its address. */
  readonly serverName: string | undefined;
  /** Whether the next call may have other credentials than the last. */
  readonly credentialsChange: boolean;
  /** The server refused the credentials of a call. */
  readonly renewCredentials: () => void;
  readonly windowMs: number | undefined;
  readonly tracing: TracingApi | undefined;
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
  const { metadata = {}, tls = false } = options;
  const token = options.token === undefined ? undefined : tokenSource(options.token, idleClock);
  return {
    credentials: tls === false ? options.credentials : tlsCredentials(tls === true ? {} : tls),
    serverName: typeof tls === 'object' ? tls.serverName : undefined,
    credentialsChange: token?.changes === true || typeof metadata === 'function',
    renewCredentials: () => token?.renew(),
    channelOptions: options.channelOptions ?? {},
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    windowMs: options.windowMs,
    tracing: options.tracing,
    initialBackoffMs: options.initialBackoffMs ?? 100,
    maxBackoffMs: options.maxBackoffMs ?? 3_000,
    attemptTimeoutMs: options.attemptTimeoutMs ?? 10_000,
    keepaliveMs: options.keepaliveMs ?? 20_000,
    keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? 10_000,
    onConnectionChange: options.onConnectionChange ?? (() => {}),
    flowControlWindowBytes: options.flowControlWindowBytes ?? 4 * 1024 * 1024,
    defaults: options.defaults ?? {},
    metadata: metadataWithToken(requestMetadata(metadata), token),
    clock: idleClock,
    keepAlive: new KeepAlive(),
    random: Math.random,
  };
}

/**
 * The same for a server at an address.
 *
 * @throws OptionError also where the token would be sent in plaintext for others to read
 * @internal
 */
export function settingsAt(address: Address, options: ConnectOptions): ClientSettings {
  const settings = clientSettings(options);
  const isSecret = settings.credentials?._isSecure() ?? false;
  const { allowInsecure = false, token } = options;
  if (token === undefined || isSecret || allowInsecure || isLoopback(address)) return settings;
  const where = formatAddress(address);
  throw new OptionError('token', `token is not sent to ${where} in plaintext: it takes tls`);
}
