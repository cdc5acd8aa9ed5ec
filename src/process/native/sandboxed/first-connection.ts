import { Socket } from 'node:net';
import { type FirstMessage, FirstMessages } from '../../../sandbox/first/first-messages.ts';

/** Messages that wait to be read: it says three in all. */
const MAX_WAITING = 4;

/** The socket through which the first process of a sandbox tells what becomes of the program. */
export class FirstConnection {
  readonly #socket: Socket;
  readonly #parser = new FirstMessages();
  readonly #messages: FirstMessage[] = [];
  #next: ((message: FirstMessage | undefined) => void) | undefined;
  #over = false;

  /** Takes over a descriptor. */
  constructor(fd: number) {
    this.#socket = new Socket({ fd });
    this.#socket.on('data', (data) => this.#read(data));
    this.#socket.on('error', () => {});
    this.#socket.once('close', () => {
      this.#over = true;
      this.#hand(undefined);
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

  /** Tells it something, if it is there. */
  say(what: Uint8Array): void {
    if (!this.#over) this.#socket.write(what);
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
        if (!this.#hand(message)) this.#messages.push(message);
      }
    } catch {
      this.close();
    }
    if (this.#messages.length > MAX_WAITING) this.close();
  }

  #hand(message: FirstMessage | undefined): boolean {
    const next = this.#next;
    this.#next = undefined;
    next?.(message);
    return next !== undefined;
  }
}
