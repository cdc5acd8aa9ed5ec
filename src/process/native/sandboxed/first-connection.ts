import { Socket } from 'node:net';
import { type FirstMessage, FirstMessages } from '../../../sandbox/first/first-messages.ts';

/** Messages that wait to be read: it says two in all, and answers besides. */
const MAX_WAITING = 3;

/** The socket through which the first process of a sandbox tells what becomes of the program. */
export class FirstConnection {
  readonly #socket: Socket;
  readonly #parser = new FirstMessages();
  readonly #messages: FirstMessage[] = [];
  readonly #fd: number;
  #next: ((message: FirstMessage | undefined) => void) | undefined;
  #answered: ((errno: number | undefined) => void) | undefined;
  #over = false;

  /** Takes over a descriptor. */
  constructor(fd: number) {
    this.#fd = fd;
    this.#socket = new Socket({ fd });
    this.#socket.on('data', (data) => this.#read(data));
    this.#socket.on('error', () => {});
    this.#socket.once('close', () => {
      this.#over = true;
      this.#hand(undefined);
      this.#answer(undefined);
    });
  }

  /** The next message, which one at a time asks for; undefined: it is gone, or makes no sense. */
  next(): Promise<FirstMessage | undefined> {
    const message = this.#messages.shift();
    if (message !== undefined || this.#over) return Promise.resolve(message);
    return new Promise((resolve) => {
      this.#next = resolve;
    });
  }

  /** Whether it is gone, or makes no sense. */
  get over(): boolean {
    return this.#over;
  }

  /** Tells it something, if it is there. */
  say(what: Uint8Array): void {
    if (!this.#over) this.#socket.write(what);
  }

  /**
   * Its answer to something that `send` tells it through the descriptor, which one at a time asks
   * for: an errno, or 0; undefined: it is gone.
   */
  ask(send: (fd: number) => void): Promise<number | undefined> {
    if (this.#over || this.#socket.destroyed) return Promise.resolve(undefined);
    send(this.#fd);
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  /** It does not keep this program from ending any more. */
  unref(): void {
    this.#socket.unref();
  }

  /** Nothing more is said on either side. */
  close(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    try {
      for (const message of this.#parser.read(data)) {
        if (message.kind === 'socket') this.#answer(message.errno);
        else if (!this.#hand(message)) this.#messages.push(message);
      }
    } catch {
      this.close();
    }
    if (this.#messages.length > MAX_WAITING) this.close();
  }

  #answer(errno: number | undefined): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(errno);
  }

  #hand(message: FirstMessage | undefined): boolean {
    const next = this.#next;
    this.#next = undefined;
    next?.(message);
    return next !== undefined;
  }
}
