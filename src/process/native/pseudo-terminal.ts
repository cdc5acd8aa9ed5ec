import { closeSync, constants, fchownSync, openSync, readSync, writeSync } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { errnoNameOf } from '../../errno-name.ts';
import type { TerminalSize } from '../launcher.ts';
import { errnoName, startFailure } from '../start-failure.ts';
import {
  F_DUPFD_CLOEXEC,
  F_GETFL,
  F_SETFL,
  type Libc,
  O_CLOEXEC,
  O_NONBLOCK,
  TERMINAL_NAME_SIZE,
  TIOCSWINSZ,
  WINSIZE_SIZE,
} from './libc.ts';
import { terminalInput } from './terminal-input.ts';

/** Bytes read at a time, and at most in one turn: others may write to the terminal without end. */
const READ_BYTES = 64 * 1024;
const DRAIN_BYTES = 1024 * 1024;

/** How often a terminal is looked at that others hold though its stream has ended. */
const POLL_MS = 20;

/**
 * A pseudo-terminal, pty(7): the child has the slave's end, we have the master's.
 *
 * libuv before 1.52 takes a short read from a terminal whose other end hung up for
 * the last, though there may be more. So our own descriptor of the slave stays open
 * until the leader has exited; then what is left is read here, to the error that
 * says that there is no more.
 */
export class PseudoTerminal {
  /** The path of the slave's end. */
  readonly path: string;
  readonly output: Readable;
  readonly input: Writable;
  readonly #libc: Libc;
  readonly #master: ReadStream;
  /** The master's end too, which never blocks: for what the stream cannot do. */
  readonly #own: number;
  #slave: number | undefined;
  #closed = false;

  /**
   * `owner`: the number of the user whose it is. Default: this program's.
   *
   * @throws RunletError `START_FAILED`, stage `TERMINAL`, with nothing left open
   */
  constructor(libc: Libc, size: TerminalSize, owner?: number) {
    this.#libc = libc;
    const opened: number[] = [];
    const fail = (errno: string): never => {
      for (const fd of opened) closeSync(fd);
      throw startFailure('TERMINAL', errno, `the terminal could not be made: ${errno}`);
    };
    const check = (result: number): number =>
      result >= 0 ? result : fail(errnoNameOf(libc.errno()));
    const { O_NOCTTY, O_RDWR } = constants;
    const master = check(libc.posixOpenpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    opened.push(master);
    check(libc.grantpt(master));
    check(libc.unlockpt(master));
    const name = Buffer.alloc(TERMINAL_NAME_SIZE);
    const unnamed = libc.ptsnameR(master, name, name.byteLength);
    if (unnamed !== 0) fail(errnoNameOf(unnamed));
    this.path = name.toString('latin1', 0, name.indexOf(0));
    this.#own = check(libc.fcntl(master, F_DUPFD_CLOEXEC, 0));
    opened.push(this.#own);
    this.resize(size);
    try {
      this.#slave = openSync(this.path, O_RDWR | O_NOCTTY);
      opened.push(this.#slave);
      // Its group and its rights are those that the system gives terminals.
      if (owner !== undefined) fchownSync(this.#slave, owner, -1);
    } catch (error) {
      fail(errnoName(error));
    }
    this.#master = new ReadStream(master);
    // libuv leaves it as it was; both of our descriptors share this flag.
    libc.fcntl(master, F_SETFL, libc.fcntl(master, F_GETFL, 0) | O_NONBLOCK);
    this.output = this.#makeOutput();
    this.input = terminalInput((data) => this.#writeNow(data));
  }

  /** Sets its size. Does nothing once it is closed. */
  resize({ columns, rows }: TerminalSize): void {
    if (this.#closed) return;
    const size = Buffer.alloc(WINSIZE_SIZE);
    size.writeUInt16LE(rows, 0);
    size.writeUInt16LE(columns, 2);
    this.#libc.ioctl(this.#own, TIOCSWINSZ, size);
  }

  /**
   * A descriptor of the slave's end, for a child that is handed it. It becomes nobody's terminal
   * by being opened.
   *
   * @throws RunletError `START_FAILED`, stage `TERMINAL`
   */
  openSlave(): number {
    try {
      return openSync(this.path, constants.O_RDWR | constants.O_NOCTTY);
    } catch (error) {
      const errno = errnoName(error);
      throw startFailure('TERMINAL', errno, `the terminal could not be opened: ${errno}`);
    }
  }

  /** The leader exited: all that it wrote is handed over before this returns. */
  leaderExited(): void {
    this.#closeSlave();
    this.#drain();
  }

  #makeOutput(): Readable {
    const output = new Readable({
      read: () => void this.#master.resume(),
      destroy: (error, callback) => {
        this.#close();
        callback(error);
      },
    });
    this.#master.on('data', (data: Buffer) => {
      if (!output.push(data)) this.#master.pause();
    });
    // EIO: no process has the slave's end open any more.
    this.#master.on('error', () => {});
    this.#master.once('close', () => this.#drain());
    this.#master.pause();
    return output;
  }

  /** Hands over what is there; ends the output if nobody can write to the terminal any more. */
  #drain(): void {
    if (this.#closed) return;
    // What the stream holds: read() gives it to the listener of 'data', too.
    while (this.#master.read() !== null);
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (let drained = 0; drained < DRAIN_BYTES; ) {
      const count = this.#readNow(buffer);
      if (count === 'later') break;
      if (count === 'ended') {
        this.output.push(null);
        return;
      }
      this.output.push(Buffer.from(buffer.subarray(0, count)));
      drained += count;
    }
    // The stream is gone and cannot tell of the rest; whoever may still write is looked for.
    if (this.#master.destroyed) setTimeout(() => this.#drain(), POLL_MS);
  }

  #readNow(buffer: Buffer): number | 'later' | 'ended' {
    try {
      return readSync(this.#own, buffer) || 'ended';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 'later' : 'ended';
    }
  }

  /**
   * Not through the stream: for the master's end of a terminal libuv tries again at once,
   * and does nothing else, until all of a write is taken.
   */
  #writeNow(data: Uint8Array): number {
    try {
      return writeSync(this.#own, data);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw error;
    }
  }

  #closeSlave(): void {
    if (this.#slave !== undefined) closeSync(this.#slave);
    this.#slave = undefined;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeSlave();
    this.#master.destroy();
    // Before the number of its descriptor is another's.
    this.input.destroy();
    closeSync(this.#own);
  }
}
