import {
  checkOptions,
  isFunction,
  isId,
  isSignal,
  isText,
  isTimer,
  isWhole,
  type OptionCheck,
} from '../check-options.ts';
import { OptionError } from '../client-error.ts';
import type { SystemText } from '../process-spec.ts';
import type { RemoteSocket } from './remote-socket.ts';

/** Where a connection leads: to a port, or to a socket of the file system. */
export type ConnectTarget =
  | {
      /** A name or an address, as the server's machine knows it. */
      readonly host: string;
      /** 1 to 65535. */
      readonly port: number;
    }
  | {
      /** A Unix socket of the server's machine, an absolute path. */
      readonly path: SystemText;
    };

/** How a connection through the server is made. */
export interface TunnelOptions {
  /** How long it may take to be connected, in milliseconds. Default: 30 s. */
  readonly connectTimeoutMs?: number;
  /**
   * A process of the session, in whose network it is looked up and connected: it differs from the
   * server's in a sandbox. Default: the server's own.
   */
  readonly processId?: string;
  /** Gives it up, which rejects with its reason; a connection that stands is destroyed with that. */
  readonly signal?: AbortSignal;
}

/** At which address of the server's machine to listen. */
export interface ListenTarget {
  /** An address, or `localhost`. Default: `127.0.0.1`. */
  readonly host?: string;
  /** 0: any that is free. Default: 0. */
  readonly port?: number;
}

/** How connections to the server's machine are taken. */
export interface ListenOptions {
  /**
   * Is given each connection as soon as it comes. Default: nobody, and they are taken as the
   * listener is iterated over.
   */
  readonly onConnection?: (socket: RemoteSocket) => void;
  /** Gives it up, which rejects with its reason; a listener that stands is closed. */
  readonly signal?: AbortSignal;
}

/** Which ports are told. */
export interface PortsOptions {
  /** Those of this process alone. Default: of all of the session. */
  readonly processId?: string;
  /** Gives it up, which rejects with its reason. */
  readonly signal?: AbortSignal;
}

const MAX_PORT = 65_535;

const isHost: OptionCheck = (value) =>
  isText(value) ?? (value === '' ? 'a name or an address' : undefined);
const isPath: OptionCheck = (value) =>
  typeof value === 'string' || value instanceof Uint8Array ? undefined : 'a string or bytes';

/** Refuses what is wrong with where a connection leads. @internal */
export function checkConnectTarget(target: ConnectTarget): void {
  if (typeof target === 'object' && target !== null && 'path' in target) {
    checkOptions('connect', target, { path: isPath });
    return;
  }
  checkOptions('connect', target, { host: isHost, port: isWhole(1, MAX_PORT) });
  for (const name of ['host', 'port'] as const) {
    if (target[name] === undefined) throw new OptionError(name, `${name} is required`);
  }
}

/** Refuses what is wrong with how a connection is made. @internal */
export function checkTunnelOptions(options: TunnelOptions): void {
  checkOptions('connect', options, {
    connectTimeoutMs: isTimer,
    processId: isId,
    signal: isSignal,
  });
}

/** Refuses what is wrong with where, and how, connections are listened for. @internal */
export function checkListen(target: ListenTarget, options: ListenOptions): void {
  checkOptions('listen', target, { host: isHost, port: isWhole(0, MAX_PORT) });
  checkOptions('listen', options, { onConnection: isFunction, signal: isSignal });
}

/** Refuses what is wrong with which ports are asked for. @internal */
export function checkPortsOptions(options: PortsOptions): void {
  checkOptions('ports', options, { processId: isId, signal: isSignal });
}
