import { Duplex } from 'node:stream';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type ConnectRequestSchema,
  type ConnectResponse,
  TunnelEnd,
  type TunnelEnded,
} from '../../gen/runlet/v1/tunnel_pb.ts';
import { NETWORK_PIECE_BYTES } from '../../limits.ts';
import { RunletClientError } from '../client-error.ts';
import { SessionLostError } from '../errors.ts';
import type { NetworkCall } from './network-call.ts';
import { TunnelResetError } from './network-error.ts';

/** What is sent of a connection. @internal */
export type ConnectMessage = MessageInitShape<typeof ConnectRequestSchema>;

/** The call that a connection is. @internal */
export type TunnelCall = NetworkCall<ConnectMessage, ConnectResponse>;

type Done = (error?: Error | null) => void;

/**
 * A connection through the server's machine: a stream in both directions, each with its own
 * end-of-file. `end` says that nothing more is sent, and what comes is still read; `destroy` resets
 * it, unless both directions have ended. It keeps the program from ending until it is closed.
 */
export class RemoteSocket extends Duplex {
  /** The other side: `host:port` with its address, or a path. */
  readonly peer: string;
  /** Bytes that came. */
  bytesRead = 0;
  /** Bytes that the server was sent. */
  bytesWritten = 0;
  readonly #call: TunnelCall;
  readonly #hold: () => () => void;
  #release: (() => void) | undefined;
  /** Says how it ended, once the server has. */
  #ended: Promise<void> | undefined;
  #idleMs = 0;
  #idle: NodeJS.Timeout | undefined;

  /** @internal */
  constructor(call: TunnelCall, peer: string, hold: () => () => void) {
    super({
      allowHalfOpen: true,
      readableHighWaterMark: NETWORK_PIECE_BYTES,
      writableHighWaterMark: NETWORK_PIECE_BYTES,
    });
    this.peer = peer;
    this.#call = call;
    this.#hold = hold;
    this.ref();
    call.onBroken((error) => this.#broken(error));
    // As a socket does: what ends it is seen also where nobody reads yet.
    this.read(0);
  }

  /** The address of the other side; undefined: it is a path. */
  get remoteAddress(): string | undefined {
    return hostAndPort(this.peer)?.host;
  }

  /** The port of the other side; undefined: it is a path. */
  get remotePort(): number | undefined {
    return hostAndPort(this.peer)?.port;
  }

  /** Keeps the program from ending, which it does from the beginning. */
  ref(): this {
    if (!this.destroyed) this.#release ??= this.#hold();
    return this;
  }

  /** Lets the program end. */
  unref(): this {
    this.#release?.();
    this.#release = undefined;
    return this;
  }

  /** Emits `timeout` when nothing was sent or received for so many milliseconds. Zero: never. */
  setTimeout(ms: number, callback?: () => void): this {
    this.#idleMs = ms;
    if (callback !== undefined && ms > 0) this.once('timeout', callback);
    else if (callback !== undefined) this.removeListener('timeout', callback);
    this.#active();
    return this;
  }

  /** Nothing is ever held back. For programs that expect a socket. */
  setNoDelay(): this {
    return this;
  }

  /** The connection to the server is looked after by the client. For programs that expect a socket. */
  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    void this.#receive();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Done): void {
    this.#send(chunk).then(() => callback(), callback);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], callback: Done): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk))).then(() => callback(), callback);
  }

  override _final(callback: Done): void {
    const eof = this.#offer({ request: { case: 'eof', value: {} } });
    eof.then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: Done): void {
    clearTimeout(this.#idle);
    this.#idleMs = 0;
    const close = (why: Error | null): void => {
      this.unref();
      callback(why);
    };
    // Both directions have ended, and what was sent may still be on its way: that is waited for.
    if (error === null && this.readableEnded && this.writableFinished && this.#ended) {
      this.#ended.then(
        () => close(null),
        (why: Error) => close(why),
      );
      return;
    }
    this.#call.cancel(error ?? new RunletClientError('TUNNEL_RESET', 'it was destroyed'));
    close(error);
  }

  async #receive(): Promise<void> {
    try {
      for (;;) {
        const message = await this.#call.next();
        const response = message?.response;
        if (message === undefined || response?.case === 'opened') throw outOfOrder();
        if (response?.case === undefined) continue;
        if (response.case === 'end') throw this.#resetOr(response.value);
        this.#active();
        if (response.case === 'eof') {
          this.#ended = this.#awaitEnd();
          // What it fails of is told where it is waited for, or by the stream.
          this.#ended.catch((error: Error) => this.destroy(error));
          this.push(null);
          return;
        }
        const data = response.value;
        this.bytesRead += data.byteLength;
        this.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
        return;
      }
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** After its end-of-file: how the server says that it is over. */
  async #awaitEnd(): Promise<void> {
    for (;;) {
      const message = await this.#call.next();
      if (message === undefined) throw outOfOrder();
      const { response } = message;
      if (response.case === undefined) continue;
      if (response.case !== 'end') throw outOfOrder();
      if (response.value.kind !== TunnelEnd.CLOSED) throw new TunnelResetError(this.peer);
      // Nothing follows; what ends the call is read, so that it is not cancelled.
      while ((await this.#call.next()) !== undefined);
      return;
    }
  }

  #resetOr({ kind }: TunnelEnded): Error {
    return kind === TunnelEnd.CLOSED ? outOfOrder() : new TunnelResetError(this.peer);
  }

  async #send(data: Buffer): Promise<void> {
    for (let begin = 0; begin < data.byteLength; begin += NETWORK_PIECE_BYTES) {
      const value = data.subarray(begin, begin + NETWORK_PIECE_BYTES);
      await this.#offer({ request: { case: 'data', value } });
      this.bytesWritten += value.byteLength;
      this.#active();
    }
  }

  /** Sends what is to be sent, or fails: of what is over nothing may seem to be sent. */
  async #offer(message: ConnectMessage): Promise<void> {
    if (!(await this.#call.send(message))) throw new TunnelResetError(this.peer);
  }

  #broken(error: Error): void {
    // A program that leaves its session is not to end for what it left open there.
    const isLeft = error instanceof SessionLostError && error.reason === 'left';
    if (isLeft) this.on('error', () => {});
    this.destroy(error);
  }

  #active(): void {
    if (this.#idleMs === 0) {
      clearTimeout(this.#idle);
      this.#idle = undefined;
      return;
    }
    if (this.#idle !== undefined) clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.emit('timeout'), this.#idleMs).unref();
  }
}

function outOfOrder(): RunletClientError {
  return new RunletClientError(
    'PROTOCOL',
    'the server ended a connection in another way than it can',
  );
}

/** What `host:port` consists of, brackets of an IPv6 address left out. */
function hostAndPort(peer: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^/:]+)):(\d+)$/.exec(peer) ?? [];
  const host = bracketed ?? plain;
  return host === undefined ? undefined : { host, port: Number(port) };
}
