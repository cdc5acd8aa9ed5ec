import { execFile } from 'node:child_process';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/harness.ts';
import { MAIN } from './support.ts';

const run = promisify(execFile);

/** The size of a new terminal. */
const COLUMNS = 100;
const ROWS = 30;

/** The prompt of the shell in a new terminal. */
const OUTER_PROMPT = 'outer>';

/** What tmux tells of the modes of a terminal; of bracketed paste it does not. */
const MODES =
  'screen=#{alternate_on} keys=#{keypad_cursor_flag} keypad=#{keypad_flag} mouse=#{mouse_any_flag} sgr=#{mouse_sgr_flag} cursor=#{cursor_flag} wrap=#{wrap_flag}';

/** A terminal with a shell in it, on which `runlet` is the built program. */
export interface TmuxTerminal {
  /** Types text as it is, and Enter. */
  enter(text: string): Promise<void>;
  /** Types text as it is. */
  type(text: string): Promise<void>;
  /** Presses keys by the names that tmux has for them, like `C-c`. */
  press(...keys: readonly string[]): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** Waits until the screen shows what matches; returns the screen. */
  showing(pattern: RegExp): Promise<string>;
  /** The modes that are in force, by name. */
  modes(): Promise<string>;
  /** Closes the terminal, as a window is closed. */
  close(): Promise<void>;
}

/** Says why there is no tmux to test with; undefined: there is one. Continuous integration has it. */
export async function missingTmux(): Promise<string | undefined> {
  try {
    await run('tmux', ['-V']);
    return undefined;
  } catch (cause) {
    const reason = 'the tests on a real terminal need tmux: install it (the command `tmux`)';
    if (process.env['CI'] === 'true') throw new Error(reason, { cause });
    return reason;
  }
}

/** Opens a terminal with a server of tmux of its own; both are gone when the test is over. */
export async function openTerminal(): Promise<TmuxTerminal> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'runlet'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  await chmod(join(folder, 'runlet'), 0o755);
  // Where the user is root, some shells take no prompt from the environment.
  await writeFile(join(folder, 'rc'), `PS1='${OUTER_PROMPT} '\n`);
  const env = {
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    TMPDIR: folder,
    // Code that was compiled before is taken from there, and left there when a command ends.
    XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
    LC_ALL: 'C.UTF-8',
    ENV: join(folder, 'rc'),
  };
  const tmux = async (...args: readonly string[]): Promise<string> => {
    const socket = ['-S', join(folder, 'tmux'), '-f', '/dev/null'];
    return (await run('tmux', [...socket, ...args], { env })).stdout;
  };
  await tmux('new-session', '-d', '-x', String(COLUMNS), '-y', String(ROWS), 'exec sh');
  onTestFinished(async () => {
    // A server without a session has ended.
    await tmux('kill-server').catch(() => {});
    // What ran in it ends with it, and takes its own folders along.
    const left = async (): Promise<readonly string[]> =>
      (await readdir(folder)).filter((name) => name.startsWith('runlet-'));
    await expect.poll(left).toEqual([]);
  });
  const terminal: TmuxTerminal = {
    async enter(text) {
      await terminal.type(text);
      await terminal.press('Enter');
    },
    type: async (text) => void (await tmux('send-keys', '-l', '--', text)),
    press: async (...keys) => void (await tmux('send-keys', ...keys)),
    resize: async (columns, rows) =>
      void (await tmux('resize-window', '-x', String(columns), '-y', String(rows))),
    async showing(pattern) {
      const screen = (): Promise<string> => tmux('capture-pane', '-p');
      await expect.poll(screen).toMatch(pattern);
      return screen();
    },
    modes: async () => (await tmux('display-message', '-p', MODES)).trim(),
    close: async () => void (await tmux('kill-session')),
  };
  await terminal.showing(new RegExp(`^${OUTER_PROMPT}`));
  return terminal;
}
