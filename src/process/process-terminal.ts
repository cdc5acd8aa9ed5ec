import { RunletError } from '../errors.ts';
import { TerminalModes } from '../terminal-modes.ts';
import type { TerminalSize } from './launcher.ts';

/** The terminal of a process: its size, and how what is written to it sets it. */
export class ProcessTerminal {
  readonly #resize: (size: TerminalSize) => void;
  readonly #modes = new TerminalModes();
  #size: TerminalSize;

  /** `resize` sets the size that it has from now on, and does nothing once it is closed. */
  constructor(size: TerminalSize, resize: (size: TerminalSize) => void) {
    this.#size = size;
    this.#resize = resize;
  }

  /** Its size. */
  get size(): TerminalSize {
    return this.#size;
  }

  /** What sets a terminal that nobody has set as this one is, by all that was written to it. */
  get modes(): string {
    return this.#modes.sequences();
  }

  /** Takes what was written to it. */
  written(data: Uint8Array): void {
    this.#modes.feed(data);
  }

  /** Sets its size. `open`: somebody may still write to it. Throws `PROCESS_EXITED`. */
  resize(size: TerminalSize, open: boolean): void {
    if (!open) throw new RunletError('PROCESS_EXITED');
    this.#resize(size);
    this.#size = size;
  }
}
