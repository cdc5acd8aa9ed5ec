import type { Readable } from 'node:stream';
import {
  checkOptions,
  isBound,
  isFlag,
  isFunction,
  isInput,
  isOneOf,
  isShell,
  isSignal,
  type OptionChecks,
} from './check-options.ts';
import { SPEC_CHECKS } from './option-checks.ts';
import type { GapRange } from './process-event.ts';
import type { ProcessClosure } from './process-info.ts';
import type { ProcessSpec } from './process-spec.ts';

/** What output becomes: bytes, or text in one of the encodings of Node.js. */
export type OutputEncoding = BufferEncoding | 'buffer';

/** How a command is run, beside what it is. */
export interface RunOptions extends Omit<ProcessSpec, 'argv' | 'stdin'> {
  /** What it reads from its stdin, end-of-file after it. Default: end-of-file at once. */
  readonly input?: string | Uint8Array | Readable | undefined;
  /** Terminates it when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes that it may write in all, as far as they are kept. Default: 64 MiB. */
  readonly maxOutputBytes?: number | undefined;
  /** What output becomes. Default: `buffer`, and `utf8` for `client.$`. */
  readonly encoding?: OutputEncoding | undefined;
  /** Whether to keep what it writes, for the result. Default: true. */
  readonly buffer?: boolean | undefined;
  /**
   * Whether an end other than with the exit code 0 is an error, a `CommandError`. Default:
   * false, and true for `client.$`, `text()`, `json()` and `lines()`.
   */
  readonly check?: boolean | undefined;
  /**
   * Runs a command that is one string by a shell of the server: true is `/bin/sh`, a string
   * its path. Default: false.
   */
  readonly shell?: boolean | string | undefined;
  /**
   * Takes what it writes to stdout, as it comes: bytes, or text if there is an `encoding`. The
   * command is not read further before a promise of it has resolved; if it fails the command is
   * terminated, and the run fails with it.
   */
  readonly onStdout?: ((chunk: Buffer | string) => unknown) | undefined;
  /** The same for stderr. */
  readonly onStderr?: ((chunk: Buffer | string) => unknown) | undefined;
}

/** What output is in the result of a run with some options. */
export type OutputOf<O extends RunOptions> = O extends { readonly encoding?: infer E }
  ? unknown extends E
    ? Buffer
    : [E] extends ['buffer' | undefined]
      ? Buffer
      : [E] extends [BufferEncoding]
        ? string
        : Buffer | string
  : Buffer;

/** What came of a command. */
export interface RunResult<T extends Buffer | string = Buffer> extends ProcessClosure {
  readonly stdout: T;
  readonly stderr: T;
  /** What it showed on its terminal; empty: it had none. */
  readonly terminal: T;
  /** What is missing of its output; empty: nothing. */
  readonly gaps: readonly GapRange[];
}

/** A command that runs: the promise of its result, and other ways to take what it writes. */
export interface RunningCommand<T extends Buffer | string = Buffer> extends Promise<RunResult<T>> {
  /**
   * What it wrote to stdout, without the line feed that ends it, as text.
   *
   * @throws CommandError it did not end with the exit code 0, unless `check` is false
   */
  text(): Promise<string>;
  /**
   * What it wrote to stdout, as JSON.
   *
   * @throws CommandError as for `text()`
   * @throws SyntaxError it is no JSON
   */
  json<V = unknown>(): Promise<V>;
  /**
   * The lines of its stdout as they come, without what ends them; then nothing is kept of it for
   * the result. To be asked for at once, before an `await`. Leaving the loop terminates the
   * command.
   *
   * @throws CommandError after the last, as for `text()`
   */
  lines(): AsyncGenerator<string, void, undefined>;
}

const ENCODINGS = [
  ...['buffer', 'utf8', 'utf-8', 'ascii', 'latin1', 'binary', 'hex', 'base64', 'base64url'],
  ...['utf16le', 'utf-16le', 'ucs2', 'ucs-2'],
];

const { argv: _argv, stdin: _stdin, ...SPEC_OPTIONS } = SPEC_CHECKS;

const RUN_CHECKS: OptionChecks<RunOptions> = {
  ...SPEC_OPTIONS,
  input: isInput,
  signal: isSignal,
  maxOutputBytes: isBound,
  encoding: isOneOf(ENCODINGS),
  buffer: isFlag,
  check: isFlag,
  shell: isShell,
  onStdout: isFunction,
  onStderr: isFunction,
};

/** Refuses what is wrong with the options of a run. @internal */
export function checkRunOptions(options: RunOptions): void {
  checkOptions('run', options, RUN_CHECKS);
}
