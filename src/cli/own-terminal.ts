import { spawnSync } from 'node:child_process';
import { on } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { isatty, WriteStream } from 'node:tty';

/** The size of a terminal, in characters. */
export interface OwnTerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Those of our standard streams that are terminals. */
const TERMINALS = [0, 1, 2].filter((fd) => isatty(fd));

/** The terminal that we are on: the first of our standard streams that is one; undefined: none. */
export interface OwnTerminal {
  size(): OwnTerminalSize;
  /** Its size, now and whenever it changes. Never ends. */
  sizes(): AsyncGenerator<OwnTerminalSize>;
}

/** Finds the terminal that we are on. */
export function findOwnTerminal(): OwnTerminal | undefined {
  const [fd] = TERMINALS;
  if (fd === undefined) return undefined;
  const size = (): OwnTerminalSize => sizeOf(fd);
  return {
    size,
    async *sizes() {
      const changes = on(process, 'SIGWINCH');
      // It may have changed before we listened.
      yield size();
      for await (const _ of changes) yield size();
    },
  };
}

function sizeOf(fd: number): OwnTerminalSize {
  // Made for each question: one that is there answers what it was told when it was made, and
  // only those on standard output and error hear of changes. A standard descriptor stays open.
  const stream = new WriteStream(fd);
  const [columns, rows] = stream.getWindowSize();
  stream.destroy();
  return { columns, rows };
}

/**
 * Lets a terminal on our standard input hand over every key as it is typed, Ctrl-C
 * too, and show output just as it comes. Returns how to make it what it was; both do
 * nothing where standard input is no terminal.
 */
export function enterRawMode(): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  const enter = (): void => {
    stdin.setRawMode(true);
    // Node.js leaves output processing on: a line feed would return the carriage too, whatever
    // the process set on its own terminal. Without stty(1) it stays so.
    spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  };
  const leave = (): void => {
    stdin.setRawMode(false);
  };
  // One that was hung up cannot be set to anything; whoever reads it is told of the end too.
  stdin.on('error', () => {});
  // A shell that stopped us took the terminal for itself and made it what it likes.
  const reenter = (): void => {
    leave();
    enter();
  };
  enter();
  process.on('SIGCONT', reenter);
  return () => {
    process.off('SIGCONT', reenter);
    leave();
  };
}

/**
 * Lets go of those of our standard streams whose terminal was hung up. Node.js puts
 * terminals back as they were when it exits, and aborts if it cannot.
 */
export function releaseLostTerminals(): void {
  for (const fd of TERMINALS) {
    if (isatty(fd)) continue;
    closeSync(fd);
    // It gets the lowest number that is free: the one that was closed.
    openSync(devNull, 'r+');
  }
}
