/*
 * The sequences of a terminal that a full screen takes: the alternate one, without a cursor, and
 * without a line break where a line is longer than a row.
 */

/** Makes a terminal ready. */
export const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';

/**
 * Sets it as it was. The screen is emptied before: tmux 3.3 would otherwise have some of it on the
 * other screen if its size has changed.
 */
export const LEAVE = '\x1b[2J\x1b[H\x1b[?7h\x1b[?25h\x1b[?1049l';

/** Follows what a screen shows, so that nothing is written but what has changed. */
export class Screen {
  /** Undefined: it is not known. */
  #shown: readonly string[] | undefined;

  /** Something else was shown since: all has to be written again. */
  forget(): void {
    this.#shown = undefined;
  }

  /** What is to be written for the screen to show these lines; empty: nothing. */
  show(lines: readonly string[]): string {
    const before = this.#shown ?? [];
    const parts = this.#shown === undefined ? ['\x1b[2J'] : [];
    for (let row = 0; row < Math.max(lines.length, before.length); row++) {
      const line = lines[row] ?? '';
      if (line !== (before[row] ?? '')) parts.push(`\x1b[${row + 1};1H${line}\x1b[K`);
    }
    this.#shown = lines;
    return parts.join('');
  }
}

/** A line that stands out. */
export function standingOut(line: string, width: number): string {
  return `\x1b[7m${line.padEnd(width)}\x1b[m`;
}
