import { isRecord, isSignal } from './check-options.ts';
import { OptionError } from './client-error.ts';
import { joinSignals } from './joined-signal.ts';
import { LineQueue } from './line-queue.ts';
import { OutputLostError } from './output-lost-error.ts';
import type { SystemText } from './process-spec.ts';
import type { RemoteSession } from './remote-session.ts';
import type { RunningCommand, RunOptions } from './run-options.ts';
import { DEFAULT_MAX_OUTPUT_BYTES, type RunOutcome, runProcess } from './run-process.ts';

/** Runs a command, and gives the promise of what comes of it, with the other ways to take that. */
export function runningCommand(
  open: () => Promise<RemoteSession>,
  command: readonly SystemText[] | string,
  options: RunOptions,
): RunningCommand<Buffer | string> {
  // What is no object is refused where all options are.
  const given: RunOptions = isRecord(options) ? options : {};
  const { check = false, encoding = 'buffer', maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = given;
  /** Whether output may have been taken already. */
  let begun = false;
  let queue: LineQueue | undefined;
  const left = new AbortController();
  const { release, signal } = joinSignals(
    left.signal,
    isSignal(given.signal) ? undefined : given.signal,
  );
  const outcome = runProcess(open, command, options, signal, () => {
    begun = true;
    return queue && ((chunk) => queue?.push(chunk) ?? Promise.resolve());
  });
  outcome.then(release, release);
  const result = outcome.then((done) => {
    if (check) done.check();
    return done.result;
  });
  const checked = async (): Promise<RunOutcome> => {
    const done = await outcome;
    if (given.check !== false) done.check();
    // Nobody sees the result.
    const [range] = done.result.gaps;
    if (range !== undefined) throw new OutputLostError(range);
    return done;
  };
  const text = async (): Promise<string> => {
    // Whoever takes the text is told of what fails, and nobody takes the result.
    result.catch(() => {});
    const { output } = await checked();
    return output.toString(encoding === 'buffer' ? 'utf8' : encoding).replace(/\r?\n$/, '');
  };
  async function* taken(lines: LineQueue): AsyncGenerator<string, void, undefined> {
    let over = false;
    try {
      yield* lines.take();
      over = true;
      await checked();
    } finally {
      lines.leave();
      if (!over) left.abort();
    }
  }
  const lines = (): AsyncGenerator<string, void, undefined> => {
    if (begun || queue !== undefined) {
      throw new OptionError('lines', 'lines() has to be asked for at once, and once');
    }
    const made = new LineQueue(maxOutputBytes);
    queue = made;
    result.catch(() => {});
    outcome.then(
      () => made.end(),
      () => made.fail(),
    );
    return taken(made);
  };
  return Object.assign(result, { text, json: async () => JSON.parse(await text()), lines });
}
