import type { Socket } from 'node:net';
import { NETWORK_PIECE_BYTES } from '../../limits.ts';

/** What a read gives: some bytes, that there are no more, or that the connection broke. */
export type Piece = Uint8Array | 'end' | 'broken';

/**
 * Reads a socket piece by piece. What nobody asks for stays in the system, but for some 64 KiB,
 * and slows the other side.
 */
export class SocketReader {
  readonly #socket: Socket;
  #wake: () => void = () => {};
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('readable', () => this.#wake());
    socket.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('close', () => this.#wake());
  }

  /** The next piece, when there is one. Called again only when that is there. */
  async next(): Promise<Piece> {
    for (;;) {
      if (this.#ended) return 'end';
      if (this.#socket.destroyed) return 'broken';
      const { readableLength } = this.#socket;
      // It also makes the end known.
      const bytes = this.#socket.read(
        readableLength > NETWORK_PIECE_BYTES ? NETWORK_PIECE_BYTES : undefined,
      ) as Buffer | null;
      if (bytes !== null) return bytes;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
