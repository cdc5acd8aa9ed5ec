import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { Address } from '../../src/address.ts';
import type { Sent } from './mutate.ts';

/** How a request was answered. */
export interface Answer {
  /** That of HTTP; undefined: there was none. */
  readonly httpStatus: number | undefined;
  /** That of gRPC; undefined: there was none. */
  readonly status: number | undefined;
  readonly message: string;
  /** The stream was reset, with this code, or the connection has failed. */
  readonly reset: number | string | undefined;
}

/** How long an answer is waited for, in milliseconds: the timeout of calls, and a busy machine. */
const PATIENCE_MS = 60_000;

/** The same where the call may have no timeout; then it is cancelled. */
const SHORT_PATIENCE_MS = 1_500;

/** Requests over one connection before another is opened. */
const PER_CONNECTION = 300;

/** Sends requests, over connections that it opens anew. */
export class Exchange {
  readonly #address: Address;
  #session: ClientHttp2Session | undefined;
  #left = 0;

  constructor(address: Address) {
    this.#address = address;
  }

  /** @throws Error if it cannot be sent, or is not answered at all though it should be */
  ask(sent: Sent): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const session = this.#use();
      const stream = session.request({ ...sent.headers }, { endStream: false });
      const answer = {
        httpStatus: undefined as number | undefined,
        headers: {} as NodeJS.Dict<unknown>,
      };
      const timer = setTimeout(
        () => {
          stream.close(constants.NGHTTP2_CANCEL);
          if (sent.wellFormed) reject(new Error('it was not answered'));
        },
        sent.wellFormed ? PATIENCE_MS : SHORT_PATIENCE_MS,
      );
      let failure: string | undefined;
      stream.on('response', (headers) => {
        answer.httpStatus = headers[':status'];
        Object.assign(answer.headers, headers);
      });
      stream.on('trailers', (trailers) => Object.assign(answer.headers, trailers));
      stream.on('error', (error: NodeJS.ErrnoException) => {
        failure = error.code ?? error.message;
      });
      stream.on('close', () => {
        clearTimeout(timer);
        const status = answer.headers['grpc-status'];
        resolve({
          httpStatus: answer.httpStatus,
          status: status === undefined ? undefined : Number(status),
          message: decodeURIComponent(String(answer.headers['grpc-message'] ?? '')),
          reset: failure ?? (stream.rstCode === 0 ? undefined : stream.rstCode),
        });
      });
      stream.resume();
      for (const piece of sent.pieces) stream.write(piece);
      stream.end();
    });
  }

  close(): void {
    this.#session?.close();
  }

  #use(): ClientHttp2Session {
    this.#left -= 1;
    const used = this.#session;
    if (used !== undefined && !used.closed && !used.destroyed && this.#left > 0) return used;
    used?.close();
    this.#left = PER_CONNECTION;
    const address = this.#address;
    this.#session = connect('http://localhost', {
      createConnection: () =>
        connectSocket(
          address.kind === 'unix'
            ? { path: address.path }
            : { host: address.host, port: address.port },
        ),
    });
    this.#session.on('error', () => {});
    return this.#session;
  }
}
