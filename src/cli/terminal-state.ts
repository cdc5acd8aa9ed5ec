import { createRequire } from 'node:module';
import type { ITerminalAddon } from '@xterm/headless';
import { TerminalModes } from '../terminal-modes.ts';

/** Lines above the screen that are shown again. */
const SCROLLBACK_LINES = 5_000;

/** A sequence, or a character of UTF-8, that has begun and not ended. */
const UNFINISHED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /(?:\x1b(?:\[[0-?]*[ -/]*|[ -/]*|[P\]X^_][^\x07\x1b]*\x1b?)|[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})$/;

/** How much of the end of what was written is looked at for that. */
const UNFINISHED_BYTES = 256;

/** What a terminal shows and how it is set, after all that was written to it. */
export interface TerminalState {
  /** Takes what was written. Questions in it are answered by nobody. */
  feed(data: Uint8Array): Promise<void>;
  /** Forgets all: what is fed next follows something that is not known, but for what it set. */
  begin(modes: Uint8Array): Promise<void>;
  resize(size: { readonly columns: number; readonly rows: number }): void;
  /**
   * What makes another terminal show the same, and sets it to the same: one that is as it is
   * where nobody set it, or will be by `before`. Then it shows the screen alone.
   */
  snapshot(before?: string): Buffer;
  /** What sets such a terminal as it is where nobody set it; nothing, if it is. */
  undo(): string;
}

/**
 * Makes room for a screen and stands at its beginning: what was on it goes up, and can be
 * scrolled back to. What is shown then is told in moves that would end at the edges.
 */
function freshScreen(rows: number): string {
  const below = rows - 1;
  return below === 0 ? '\r\x1b[J' : `\r${'\n'.repeat(below)}\x1b[${below}A\x1b[J`;
}

/** Follows the state of a terminal of a size. The library is loaded when the first is made. */
export function followTerminal(size: {
  readonly columns: number;
  readonly rows: number;
}): TerminalState {
  // CommonJS, without names that an import would find.
  const require = createRequire(import.meta.url);
  const { Terminal } = require('@xterm/headless') as typeof import('@xterm/headless');
  const { SerializeAddon } = require('@xterm/addon-serialize') as {
    SerializeAddon: new () => ITerminalAddon & {
      serialize(options: { readonly scrollback?: number; readonly excludeModes: true }): string;
    };
  };
  const terminal = new Terminal({
    cols: size.columns,
    rows: size.rows,
    scrollback: SCROLLBACK_LINES,
    allowProposedApi: true,
  });
  const screen = new SerializeAddon();
  terminal.loadAddon(screen);

  // What the addon tells of the modes is not all of them.
  let modes = new TerminalModes();
  let end = '';
  const feed = async (data: Uint8Array): Promise<void> => {
    modes.feed(data);
    const tail = Buffer.from(data.subarray(-UNFINISHED_BYTES)).toString('latin1');
    end = UNFINISHED.exec((end + tail).slice(-UNFINISHED_BYTES))?.[0] ?? '';
    await new Promise<void>((resolve) => terminal.write(data, resolve));
  };

  return {
    feed,
    async begin(inForce) {
      terminal.reset();
      modes = new TerminalModes();
      end = '';
      await feed(inForce);
    },
    resize: ({ columns, rows }) => terminal.resize(columns, rows),
    snapshot(before) {
      const lines = before === undefined ? {} : { scrollback: 0 };
      const shown = screen.serialize({ ...lines, excludeModes: true });
      const set = `${before ?? ''}${modes.beneath()}`;
      const state = `${set}${freshScreen(terminal.rows)}${shown}${modes.above()}`;
      // What has begun goes on with what is written next.
      return Buffer.concat([Buffer.from(state), Buffer.from(end, 'latin1')]);
    },
    undo: () => modes.undo(),
  };
}
