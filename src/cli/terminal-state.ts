import { createRequire } from 'node:module';
import type { IFunctionIdentifier, ITerminalAddon } from '@xterm/headless';

/** Lines above the screen that are shown again. */
const SCROLLBACK_LINES = 5_000;

/** ESC, with which every sequence begins that sets anything. */
const ESCAPE = 0x1b;

/**
 * The modes of DECSET that outlive the program that set them, and what they are where nobody
 * did: cursor keys, origin, wraparound, the mouse's, the cursor, the keypad, focus and paste.
 */
const MODES: ReadonlyMap<number, boolean> = new Map(
  [1, 6, 9, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004]
    .map((mode): [number, boolean] => [mode, false])
    .concat([
      [7, true],
      [25, true],
    ]),
);

/** Those of them that are no part of what the addon tells: the cursor, how the mouse reports. */
const MODES_BESIDE = [25, 1005, 1006, 1015, 1016];

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
  /** Takes what was written long ago, of which only what it set matters. */
  skim(data: Uint8Array): Promise<void>;
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
      serialize(options: { readonly scrollback?: number }): string;
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

  const set = new Map<number, boolean>();
  let margins = '';
  let cursorStyle = '';
  const reset = (): void => {
    set.clear();
    margins = '';
    cursorStyle = '';
  };
  const { parser } = terminal;
  // What is false lets the terminal take it, too.
  const onCsi = (id: IFunctionIdentifier, take: (values: readonly number[]) => void): void => {
    parser.registerCsiHandler(id, (values) => {
      take(values.flat());
      return false;
    });
  };
  onCsi({ prefix: '?', final: 'h' }, (modes) => {
    for (const mode of modes) set.set(mode, true);
  });
  onCsi({ prefix: '?', final: 'l' }, (modes) => {
    for (const mode of modes) set.set(mode, false);
  });
  onCsi({ final: 'r' }, (lines) => {
    margins = lines.some((line) => line > 0) ? `\x1b7\x1b[${lines.join(';')}r\x1b8` : '';
  });
  onCsi({ intermediates: ' ', final: 'q' }, ([style = 0]) => {
    cursorStyle = style > 0 ? `\x1b[${style} q` : '';
  });
  onCsi({ intermediates: '!', final: 'p' }, reset);
  parser.registerEscHandler({ final: 'c' }, () => {
    reset();
    return false;
  });

  let end = '';
  const feed = async (data: Uint8Array): Promise<void> => {
    const tail = Buffer.from(data.subarray(-UNFINISHED_BYTES)).toString('latin1');
    end = UNFINISHED.exec((end + tail).slice(-UNFINISHED_BYTES))?.[0] ?? '';
    await new Promise<void>((resolve) => terminal.write(data, resolve));
  };
  const changed = (mode: number): boolean => {
    const usual = MODES.get(mode);
    return (set.get(mode) ?? usual) !== usual;
  };
  const toggle = (mode: number, on: boolean): string => `\x1b[?${mode}${on ? 'h' : 'l'}`;

  return {
    feed,
    async skim(data) {
      if (end !== '' || data.includes(ESCAPE)) await feed(data);
    },
    resize: ({ columns, rows }) => terminal.resize(columns, rows),
    snapshot(before) {
      const beside = MODES_BESIDE.filter(changed).map((mode) => toggle(mode, !MODES.get(mode)));
      const shown = screen.serialize(before === undefined ? {} : { scrollback: 0 });
      const state = `${before ?? ''}${freshScreen(terminal.rows)}${shown}${margins}${beside.join('')}${cursorStyle}`;
      // What has begun goes on with what is written next.
      return Buffer.concat([Buffer.from(state), Buffer.from(end, 'latin1')]);
    },
    undo() {
      const parts = [...MODES]
        .filter(([mode]) => changed(mode))
        .map(([mode, on]) => toggle(mode, on));
      if (margins !== '') parts.push('\x1b7\x1b[r\x1b8');
      if (cursorStyle !== '') parts.push('\x1b[0 q');
      if (terminal.modes.applicationKeypadMode) parts.push('\x1b>');
      if (terminal.modes.insertMode) parts.push('\x1b[4l');
      // Last, as leaving it brings back the cursor that was there before.
      if (terminal.buffer.active.type === 'alternate') parts.push('\x1b[?1049l');
      return parts.length === 0 ? '' : `${parts.join('')}\x1b[0m`;
    },
  };
}
