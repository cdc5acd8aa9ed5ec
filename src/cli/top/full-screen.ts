import { isatty } from 'node:tty';
import type { Stats } from '../../client/index.ts';
import { enterRawMode, findOwnTerminal, type OwnTerminal } from '../own-terminal.ts';
import { standardOutput } from '../standard-output.ts';
import { undoModes } from '../terminal-undo.ts';
import { ENTER, LEAVE, Screen } from './screen.ts';
import { deedOf, frameOf, keysIn, type Surroundings, type View } from './view.ts';

/** A screen that is filled. */
export interface FullScreen {
  /** The server has told how all is. */
  tell(stats: Stats): void;
  /** The connection to it broke, or there is one again. */
  connection(connected: boolean): void;
  /** Sets the terminal as it was. Never rejects. */
  leave(): Promise<void>;
}

/** How a screen is filled. */
export interface FullScreenOptions {
  readonly address: string;
  readonly view: View;
  /** Called once somebody has seen enough. */
  readonly onQuit: () => void;
}

/** The terminal on standard output; undefined: there is none that can be filled. */
export function screenTerminal(): OwnTerminal | undefined {
  return isatty(1) && process.env['TERM'] !== 'dumb' ? findOwnTerminal() : undefined;
}

/** Fills a terminal with how all is. */
export function fillScreen(own: OwnTerminal, stats: Stats, options: FullScreenOptions): FullScreen {
  return new TerminalScreen(own, stats, options);
}

class TerminalScreen implements FullScreen {
  readonly #own: OwnTerminal;
  readonly #options: FullScreenOptions;
  readonly #output = standardOutput(1);
  readonly #screen = new Screen();
  #view: View;
  #surroundings: Surroundings;
  #stats: Stats;
  #page = 1;
  /** Something is being written, and nothing of it has changed since. */
  #writing: 'no' | 'yes' | 'old' = 'no';
  #state: 'shown' | 'suspended' | 'left' = 'shown';
  #leaveRawMode: () => void;

  constructor(own: OwnTerminal, stats: Stats, options: FullScreenOptions) {
    this.#own = own;
    this.#stats = stats;
    this.#options = options;
    this.#view = options.view;
    this.#surroundings = { address: options.address, connected: true };
    this.#leaveRawMode = enterRawMode();
    if (process.stdin.isTTY) process.stdin.on('data', this.#onKeys);
    process.on('SIGCONT', this.#again);
    void this.#followSize();
    void this.#write(ENTER);
    this.#draw();
  }

  tell(stats: Stats): void {
    this.#stats = stats;
    this.#draw();
  }

  connection(connected: boolean): void {
    this.#surroundings = { ...this.#surroundings, connected };
    this.#draw();
  }

  async leave(): Promise<void> {
    if (this.#state === 'left') return;
    this.#state = 'left';
    process.off('SIGCONT', this.#again);
    process.stdin.off('data', this.#onKeys);
    process.stdin.pause();
    await undoModes(LEAVE, this.#output);
    this.#leaveRawMode();
  }

  readonly #onKeys = (typed: Buffer): void => {
    for (const key of keysIn(typed.toString())) {
      const deed = deedOf(key);
      if (deed === 'quit') this.#options.onQuit();
      // As it is without raw mode: by a signal, for whoever started this.
      else if (deed === 'interrupt') process.kill(process.pid, 'SIGINT');
      else if (deed === 'suspend') void this.#suspend();
      else if (deed !== undefined) this.#view = deed(this.#view, this.#page);
    }
    this.#draw();
  };

  /** Lets a shell have its terminal, until it has us go on. */
  async #suspend(): Promise<void> {
    this.#state = 'suspended';
    await undoModes(LEAVE, this.#output);
    this.#leaveRawMode();
    process.once('SIGCONT', () => {
      this.#leaveRawMode = enterRawMode();
    });
    process.kill(process.pid, 'SIGSTOP');
  }

  /** We were stopped, and go on: whatever is on the screen is not ours. */
  readonly #again = (): void => {
    if (this.#state === 'suspended') this.#state = 'shown';
    this.#screen.forget();
    void this.#write(ENTER);
    this.#draw();
  };

  async #followSize(): Promise<void> {
    for await (const _ of this.#own.sizes()) {
      if (this.#state === 'left') return;
      this.#screen.forget();
      this.#draw();
    }
  }

  #draw(): void {
    if (this.#state !== 'shown') return;
    if (this.#writing !== 'no') {
      this.#writing = 'old';
      return;
    }
    const frame = frameOf(this.#stats, this.#view, this.#surroundings, this.#own.size());
    this.#view = { ...this.#view, first: frame.first };
    this.#page = frame.page;
    const text = this.#screen.show(frame.lines);
    if (text === '') return;
    this.#writing = 'yes';
    void this.#write(text).then(() => {
      const isOld = this.#writing === 'old';
      this.#writing = 'no';
      // Only now: a terminal that is slow gets the latest, and nothing waits for it.
      if (isOld) this.#draw();
    });
  }

  /** Never rejects: a terminal that is gone ends us by a signal. */
  #write(text: string): Promise<void> {
    return this.#output.write(Buffer.from(text)).catch(() => {});
  }
}
