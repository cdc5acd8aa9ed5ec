import { RunletError } from '../errors.ts';
import type { EventLog } from '../output/event-log.ts';
import { TerminalModes } from '../terminal-modes.ts';
import type { LaunchedProcess, TerminalSize } from './launcher.ts';

/** The terminal of a process: its size, and how what is written to it sets it. */
export class ProcessTerminal {
  readonly #resize: (size: TerminalSize) => void;
  readonly #modes = new TerminalModes();
  readonly #onSize: (size: TerminalSize) => void;
  #size: TerminalSize;
  /** The size that was told last. */
  #told: TerminalSize;

  /**
   * `resize` sets the size that it has from now on, and does nothing once it is closed. `onSize`
   * is told of its size: at once, and of others before what is written in them, so that no more
   * is told than is written, however often it is resized.
   */
  constructor(
    size: TerminalSize,
    resize: (size: TerminalSize) => void,
    onSize: (size: TerminalSize) => void,
  ) {
    this.#size = size;
    this.#told = size;
    this.#resize = resize;
    this.#onSize = onSize;
    onSize(size);
  }

  /** Its size. */
  get size(): TerminalSize {
    return this.#size;
  }

  /** What sets a terminal that nobody has set as this one is, by all that was written to it. */
  get modes(): string {
    return this.#modes.sequences();
  }

  /** Takes what was written to it, before that is told. */
  written(data: Uint8Array): void {
    const { columns, rows } = this.#size;
    if (columns !== this.#told.columns || rows !== this.#told.rows) {
      this.#told = this.#size;
      this.#onSize(this.#size);
    }
    this.#modes.feed(data);
  }

  /** Sets its size. `open`: somebody may still write to it. Throws `PROCESS_EXITED`. */
  resize(size: TerminalSize, open: boolean): void {
    if (!open) throw new RunletError('PROCESS_EXITED');
    this.#resize(size);
    this.#size = size;
  }
}

/** The terminal of a process that was launched, whose sizes are told in its log; undefined: it has none. */
export function terminalOf(
  size: TerminalSize | undefined,
  { resize }: Pick<LaunchedProcess, 'resize'>,
  log: EventLog,
): ProcessTerminal | undefined {
  const onSize = (told: TerminalSize): void => log.append({ kind: 'resized', ...told });
  return resize && size && new ProcessTerminal(size, resize, onSize);
}
