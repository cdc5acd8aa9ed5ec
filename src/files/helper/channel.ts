import { closeSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { MAX_HELPER_MESSAGE_BYTES } from '../../limits.ts';
import type { NativeSockets, SocketPoll } from './socket-native.ts';

/** What came through a channel. */
export interface ChannelMessage {
  readonly value: unknown;
  /** A descriptor that came with it, which is the receiver's now. */
  readonly descriptor: number | undefined;
}

/** What a channel is made with. */
export interface ChannelOptions {
  readonly native: NativeSockets;
  /** One end of a stream socket. The channel closes it. */
  readonly socket: number;
  readonly onMessage: (message: ChannelMessage) => void;
  /** It is no more: the other end is closed, or what it sent is no message. Not after `close`. */
  readonly onEnd: (error: Error | undefined) => void;
}

/** The length of what follows, and how many descriptors came with it: 4 bytes each. */
const HEAD_BYTES = 8;

interface Outgoing {
  bytes: Uint8Array;
  descriptor: number | undefined;
}

/**
 * Messages, and descriptors with them, between two processes. Neither side waits for the other:
 * whoever sends is to have few messages under way. What comes is believed to be nothing but
 * bytes: its size is bounded, what it means is for the receiver to check.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #poll: SocketPoll;
  readonly #outgoing: Outgoing[] = [];
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #body: Buffer | undefined;
  /** Bytes of the head or the body that came. */
  #came = 0;
  #descriptor: number | undefined;
  #closed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#poll = options.native.poll(options.socket, () => this.#ready());
  }

  /**
   * Sends a message. A descriptor stays the sender's.
   *
   * @throws Error it cannot be sent: it is too long, or no value that can be cloned
   */
  send(value: unknown, descriptor?: number): void {
    if (this.#closed) return;
    const body = serialize(value);
    if (body.byteLength > MAX_HELPER_MESSAGE_BYTES) throw new Error('the message is too long');
    const bytes = Buffer.allocUnsafe(HEAD_BYTES + body.byteLength);
    bytes.writeUInt32LE(body.byteLength, 0);
    bytes.writeUInt32LE(descriptor === undefined ? 0 : 1, 4);
    body.copy(bytes, HEAD_BYTES);
    const { native } = this.#options;
    this.#outgoing.push({
      bytes,
      descriptor: descriptor === undefined ? undefined : native.duplicate(descriptor),
    });
    if (this.#outgoing.length === 1) this.#try(() => this.#flush());
  }

  /** Keeps no program from ending any more. */
  unref(): void {
    this.#poll.unref();
  }

  /** Ends it. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll.close();
    for (const { descriptor } of this.#outgoing.splice(0)) closeIfOpen(descriptor);
    closeIfOpen(this.#descriptor);
    closeSync(this.#options.socket);
  }

  #ready(): void {
    if (this.#closed) return;
    this.#try(() => {
      this.#flush();
      this.#receive();
    });
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(error: Error | undefined): void {
    if (this.#closed) return;
    this.close();
    this.#options.onEnd(error);
  }

  #flush(): void {
    const { native, socket } = this.#options;
    for (let [first] = this.#outgoing; first !== undefined; [first] = this.#outgoing) {
      const sent = native.send(socket, first.bytes, first.descriptor);
      if (sent === 0) break;
      closeIfOpen(first.descriptor);
      first.descriptor = undefined;
      first.bytes = first.bytes.subarray(sent);
      if (first.bytes.byteLength === 0) this.#outgoing.shift();
    }
    this.#poll.wantRoom(this.#outgoing.length > 0);
  }

  /** Receives one message at most, so that others have turns: there is another if more came. */
  #receive(): void {
    const { native, socket } = this.#options;
    for (;;) {
      const into = (this.#body ?? this.#head).subarray(this.#came);
      const { bytes, descriptors, truncated } = native.receive(socket, into);
      this.#takeDescriptors(descriptors, truncated);
      if (bytes === undefined) {
        this.#end(undefined);
        return;
      }
      if (bytes === 0) return;
      this.#came += bytes;
      if (bytes < into.byteLength) continue;
      this.#came = 0;
      if (this.#body !== undefined) {
        this.#deliver(this.#body);
        return;
      }
      this.#begin();
    }
  }

  /** One may come with the head. */
  #takeDescriptors(descriptors: readonly number[], truncated: boolean): void {
    const [first, ...others] = descriptors;
    const isFirst = this.#descriptor === undefined && this.#body === undefined;
    if (isFirst && first !== undefined) this.#descriptor = first;
    const unwanted = isFirst ? others : descriptors;
    for (const descriptor of unwanted) closeSync(descriptor);
    if (truncated || unwanted.length > 0)
      throw new Error('descriptors came that belong to nothing');
  }

  #begin(): void {
    const length = this.#head.readUInt32LE(0);
    const hasDescriptor = this.#head.readUInt32LE(4) === 1;
    if (length === 0 || length > MAX_HELPER_MESSAGE_BYTES) {
      throw new Error(`a message of ${length} bytes`);
    }
    if (hasDescriptor !== (this.#descriptor !== undefined)) {
      throw new Error('a message without the descriptor that belongs to it');
    }
    this.#body = Buffer.allocUnsafeSlow(length);
  }

  #deliver(body: Buffer): void {
    const value: unknown = deserialize(body);
    const descriptor = this.#descriptor;
    this.#body = undefined;
    this.#descriptor = undefined;
    this.#options.onMessage({ value, descriptor });
  }
}

function closeIfOpen(descriptor: number | undefined): void {
  if (descriptor !== undefined) closeSync(descriptor);
}
