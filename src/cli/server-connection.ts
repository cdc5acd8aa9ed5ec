import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { dirname, resolve } from 'node:path';
import { setDefaultHighWaterMark } from 'node:stream';
import { isatty } from 'node:tty';
import { type Command, Option } from 'commander';
import { defaultAddress, formatAddress, parseAddress } from '../address.ts';
import { ConnectionError, connect, OptionError, type RunletClient } from '../client/index.ts';
import { assertPrivateFolder } from '../private-folder.ts';
import { addressText, seconds } from './arguments.ts';
import {
  addConnectionOptions,
  type ConnectionFlags,
  type ConnectionSetup,
  connectionMistake,
  connectionSetup,
  PLAIN_CONNECTION,
} from './connection-flags.ts';
import { connectionNotice } from './connection-notice.ts';
import { isUnknownCall } from './failure.ts';
import { NamedError } from './named-error.ts';
import { quietGrpc } from './stray-output.ts';
import { unreachable } from './unreachable-error.ts';
import { UsageError } from './usage-error.ts';

/** Bytes on their way to a terminal: after Ctrl-C they are all still shown. */
const TERMINAL_WINDOW_BYTES = 512 * 1024;

/**
 * Messages of a call that wait here to be taken, beside these bytes: grpc-js reads ahead as many
 * as an object stream holds by default, 16, each of which may have 256 KiB of output.
 */
const TERMINAL_MESSAGES_AHEAD = 1;

/** The flags with which a command finds its server. */
export interface ServerFlags extends ConnectionFlags {
  readonly address?: string;
  /** How long to try to come back after the connection broke, in seconds. */
  readonly reconnectFor?: number;
}

/**
 * Adds to a command the flags that say which server it talks to, and how. `otherwise`: where that
 * is if nothing says it.
 */
export function addServerOptions(
  command: Command,
  otherwise = '$RUNLET_ADDRESS, or the socket of `runlet serve`',
): Command {
  return addConnectionOptions(
    command.option(
      '--address <address>',
      `the server, unix:PATH or HOST:PORT (default: ${otherwise})`,
      addressText,
    ),
  );
}

/** `--reconnect-for`, for a command that survives a break of the connection. */
export function reconnectOption(defaultSeconds: number): Option {
  return new Option(
    '--reconnect-for <duration>',
    'how long to try to come back after the connection broke',
  )
    .argParser(seconds)
    .default(defaultSeconds);
}

/** The address that was given, as a flag or in the environment; undefined: none. */
export function givenAddress({ address }: ServerFlags): string | undefined {
  if (address !== undefined) return address;
  const fromEnvironment = process.env['RUNLET_ADDRESS'];
  if (fromEnvironment === undefined || fromEnvironment === '') return undefined;
  try {
    return addressText(fromEnvironment);
  } catch (error) {
    throw new UsageError(`RUNLET_ADDRESS ${fromEnvironment}: ${(error as Error).message}`);
  }
}

/**
 * The address of the server to use.
 *
 * @throws Error if nobody named one, and it would be in a folder that somebody else could
 *   have put a server of theirs into
 */
export async function serverAddress(flags: ServerFlags): Promise<string> {
  const given = givenAddress(flags);
  if (given !== undefined) return given;
  const folder = dirname(defaultAddress(process.env).path);
  await assertPrivateFolder(folder).catch((error: NodeJS.ErrnoException) => {
    // Then there is no server either, which is told of by whoever looks for one.
    if (error.code !== 'ENOENT') throw error;
  });
  return ownServeAddress();
}

/**
 * Whose server is at an address: one on this machine whose socket is this user's is taken for
 * one's own. A socket that leads elsewhere, as ssh makes them, looks the same.
 */
export async function serverKind(text: string): Promise<'local' | 'remote'> {
  const address = parseAddress(text);
  if (address.kind !== 'unix') return 'remote';
  // Where there is none, that is told of by whoever looks for the server.
  const found = await stat(address.path).catch(() => undefined);
  return found?.uid === process.getuid?.() ? 'local' : 'remote';
}

/** Whether somebody listens at an address. */
export async function isReachable(text: string): Promise<boolean> {
  const address = parseAddress(text);
  const socket = connectSocket(
    address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
  );
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Where `runlet serve` listens if nothing is said. */
export function ownServeAddress(): string {
  return formatAddress(defaultAddress(process.env));
}

/**
 * Does something with a client of the server that the flags name, and leaves it.
 *
 * @throws UnreachableError if there is no server
 */
export async function withServer<T>(
  flags: ServerFlags,
  use: (client: RunletClient, address: string) => Promise<T>,
): Promise<T> {
  const [address, setup] = [await serverAddress(flags), await connectionSetup(flags)];
  return withServerAt(address, flags.reconnectFor, use, setup);
}

/** An address that means the same in every folder: as which a server is remembered and told of. */
function addressAnywhere(text: string): string {
  const address = parseAddress(text);
  return address.kind === 'unix'
    ? formatAddress({ ...address, path: resolve(address.path) })
    : text;
}

/** The same for an address. Without a `setup` nothing is told of who calls. */
export async function withServerAt<T>(
  address: string,
  reconnectFor: number | undefined,
  use: (client: RunletClient, address: string) => Promise<T>,
  setup: ConnectionSetup = PLAIN_CONNECTION,
): Promise<T> {
  try {
    return await withClient(address, reconnectFor, use, setup);
  } catch (error) {
    throw (error instanceof OptionError && connectionMistake(error, setup)) || error;
  }
}

async function withClient<T>(
  address: string,
  reconnectFor: number | undefined,
  use: (client: RunletClient, address: string) => Promise<T>,
  { options }: ConnectionSetup,
): Promise<T> {
  quietGrpc(process.env);
  if (isatty(1)) setDefaultHighWaterMark(true, TERMINAL_MESSAGES_AHEAD);
  const client = connect(address, {
    ...options,
    // Somebody waits for an answer: where no server is there is none a moment later.
    connectTimeoutMs: 0,
    ...(isatty(1) ? { flowControlWindowBytes: TERMINAL_WINDOW_BYTES } : {}),
    ...(reconnectFor === undefined
      ? {}
      : { windowMs: reconnectFor * 1000, onConnectionChange: connectionNotice(reconnectFor) }),
  });
  try {
    return await use(client, addressAnywhere(address));
  } catch (error) {
    if (isUnknownCall(error)) throw new NamedError(`server ${address}`, error);
    // What was reached before fails with other errors.
    if (error instanceof ConnectionError && !error.outcomeUnknown) {
      throw await unreachable(
        address,
        { isDefault: address === ownServeAddress(), tls: options.tls },
        error,
      );
    }
    throw error;
  } finally {
    await client.close();
  }
}
