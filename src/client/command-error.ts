import { RunletClientError } from './client-error.ts';
import { commandText } from './command-line.ts';
import type { SignalName } from './names.ts';
import type { ProcessClosure } from './process-info.ts';
import type { RunResult } from './run-options.ts';

/** A command that is checked did not end with the exit code 0. */
export class CommandError extends RunletClientError {
  override readonly name = 'CommandError';
  /** What was run, as one would type it. */
  readonly command: string;
  readonly argv: readonly string[];
  /** Null: a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended it; null: none, or one without a name. */
  readonly signal: SignalName | null;
  /** The end of what it wrote to stderr: 4 KiB at most. */
  readonly stderr: string;
  /** All that came of it. */
  readonly result: RunResult<Buffer | string>;

  constructor(argv: readonly string[], result: RunResult<Buffer | string>, stderr: string) {
    const command = commandText(argv);
    const said = stderr.trimEnd();
    super(
      'COMMAND_FAILED',
      `the command ${endOf(result)}: ${command}${said === '' ? '' : `\n${said}`}`,
    );
    this.command = command;
    this.argv = argv;
    this.exitCode = result.code;
    this.signal = result.signal;
    this.stderr = stderr;
    this.result = result;
  }
}

function endOf({ code, reason, signal, signalNumber }: ProcessClosure): string {
  const how = code === null ? `ended by ${signal ?? `the signal ${signalNumber}`}` : undefined;
  const why = reason === 'exited' || reason === 'signaled' ? '' : ` (${reason})`;
  return how === undefined ? `failed with the exit code ${code}${why}` : `was ${how}${why}`;
}
