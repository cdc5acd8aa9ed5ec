import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../clock.ts';
import { Latch } from '../../latch.ts';
import { NETWORK_PIECE_BYTES, REFUSAL_PROBE_MS, TUNNEL_KEEPALIVE_MS } from '../../limits.ts';
import { resetSocket } from './reset-socket.ts';
import { SocketReader } from './socket-reader.ts';
import type { TunnelMessage } from './tunnel-message.ts';
import { nextTunnelState, OPEN, type TunnelInput, type TunnelState } from './tunnel-state.ts';
import { wasReset } from './was-reset.ts';

/** What a tunnel is made with. */
export interface TunnelOptions {
  /** A connection that stands, with half-open ends allowed. The tunnel has it for itself. */
  readonly socket: Socket;
  /** The other side, for people and programs: `host:port`, or a path. */
  readonly peer: string;
  readonly clock: Clock;
  /** Milliseconds in which nothing is sent in either direction before it is reset. */
  readonly idleMs: number;
}

/** A connection that is carried in messages, in both directions at their readers' paces. */
export class Tunnel {
  readonly #socket: Socket;
  readonly #peer: string;
  readonly #reader: SocketReader;
  /** A socket of the file system tells at once of what is refused. */
  readonly #isTcp: boolean;
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #over = new Latch();
  #state: TunnelState = OPEN;
  #sentBytes = 0;
  #receivedBytes = 0;
  #activeAt: number;
  #idle: Timer;
  #probe: Timer | undefined;

  constructor({ clock, idleMs, peer, socket }: TunnelOptions) {
    this.#socket = socket;
    this.#peer = peer;
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#isTcp = socket.remoteAddress !== undefined;
    socket.on('end', () => {
      if (wasReset(socket)) this.reset();
    });
    this.#reader = new SocketReader(socket);
    this.#activeAt = clock.monotonic();
    this.#idle = clock.setTimer(idleMs, () => this.#look());
    // Who is gone without a word is found out by the system.
    socket.setKeepAlive(true, TUNNEL_KEEPALIVE_MS);
    socket.on('error', () => this.#apply('broken'));
    socket.on('finish', () => this.#apply('outgoing-ended'));
    // It closes by itself when both directions have ended.
    socket.on('close', () => this.#apply(this.#bothEnded ? 'incoming-ended' : 'broken'));
    if (socket.destroyed) this.#apply('broken');
  }

  /** Whether it is closed or broken. */
  get over(): boolean {
    return this.#state.kind !== 'open';
  }

  /** What comes over it, to its end. Asked for once. */
  async *messages(): AsyncGenerator<TunnelMessage> {
    yield { kind: 'opened', peer: this.#peer };
    for (let piece = await this.#read(); piece !== 'broken'; piece = await this.#read()) {
      if (piece === 'end') {
        yield { kind: 'eof' };
        break;
      }
      yield { kind: 'data', data: piece };
    }
    await this.#over.wait();
    yield {
      kind: 'end',
      how: this.#state.kind === 'closed' ? 'closed' : 'reset',
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
    };
  }

  /** Sends some bytes; resolves when the system has taken them, or they are lost since it broke. */
  async write(bytes: Uint8Array): Promise<void> {
    // In parts, so that it counts as active while a slow reader takes them.
    for (let at = 0; at < bytes.byteLength && this.#canSend; at += NETWORK_PIECE_BYTES) {
      await this.#writePart(bytes.subarray(at, at + NETWORK_PIECE_BYTES));
    }
  }

  /** Sends nothing more. */
  end(): void {
    if (this.#canSend) this.#socket.end();
  }

  /** Breaks it, unless it is over. */
  reset(): void {
    this.#apply('broken');
    // Also where it is closed already, and the system is not told so far.
    resetSocket(this.#socket);
  }

  get #canSend(): boolean {
    return this.#state.kind === 'open' && !this.#socket.writableEnded;
  }

  get #bothEnded(): boolean {
    return this.#socket.readableEnded && this.#socket.writableFinished;
  }

  async #read(): Promise<Uint8Array | 'end' | 'broken'> {
    const piece = await this.#reader.next();
    if (this.#state.kind === 'reset') return 'broken';
    if (piece === 'end') this.#apply('incoming-ended');
    if (typeof piece === 'string') return piece;
    this.#receivedBytes += piece.byteLength;
    this.#activeAt = this.#clock.monotonic();
    return piece;
  }

  #writePart(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, (error) => {
        if (!error) this.#sentBytes += bytes.byteLength;
        this.#activeAt = this.#clock.monotonic();
        resolve();
      });
    });
  }

  /**
   * Nothing is read any more, and what is sent may be refused by a reset that comes later, of which
   * the next write alone is told: one of nothing will do.
   */
  #watchRefusal(): void {
    if (!this.#isTcp || this.#probe !== undefined) return;
    this.#probe = this.#clock.setTimer(REFUSAL_PROBE_MS, () => {
      this.#probe = undefined;
      if (this.#canSend && this.#socket.writableLength === 0) this.#socket.write(NOTHING);
      if (this.#state.kind === 'open') this.#watchRefusal();
    });
  }

  /** Resets it where it was idle for long enough; else looks again when it could be. */
  #look(): void {
    const leftMs = this.#idleMs - (this.#clock.monotonic() - this.#activeAt);
    if (leftMs <= 0) this.reset();
    else this.#idle = this.#clock.setTimer(leftMs, () => this.#look());
  }

  #apply(input: TunnelInput): void {
    this.#state = nextTunnelState(this.#state, input);
    if (this.#state.kind === 'open') {
      if (!this.#state.incoming) this.#watchRefusal();
      return;
    }
    this.#idle.cancel();
    this.#probe?.cancel();
    this.#over.open();
  }
}

const NOTHING = new Uint8Array(0);
