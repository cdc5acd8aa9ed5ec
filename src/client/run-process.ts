import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CommandError } from './command-error.ts';
import { commandArgv } from './command-line.ts';
import { RemoteError } from './errors.ts';
import type { OutputReadable } from './output-readable.ts';
import { OutputSink } from './output-sink.ts';
import type { ProcessSpec, SystemText } from './process-spec.ts';
import type { RemoteProcess } from './remote-process.ts';
import type { RemoteSession } from './remote-session.ts';
import { checkRunOptions, type RunOptions, type RunResult } from './run-options.ts';
import { RunOutputError } from './run-output-error.ts';
import { shownText } from './system-text.ts';
import { unlessAborted } from './waiting.ts';

/** What came of a command, and how that is told. */
export interface RunOutcome {
  readonly result: RunResult<Buffer | string>;
  /** What it wrote to stdout, or showed on its terminal, as far as it was kept. */
  readonly output: Buffer;
  /** @throws CommandError it did not end with the exit code 0 */
  check(): void;
}

export const DEFAULT_MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Runs a command to its end, in a session that is opened, or until `signal` aborts. `onOutput`
 * gives what takes what it writes to stdout or its terminal, in place of what would keep it.
 *
 * @throws OptionError, RemoteError, RunOutputError, the reason of `signal`
 */
export async function runProcess(
  open: () => Promise<RemoteSession>,
  command: readonly SystemText[] | string,
  options: RunOptions,
  signal: AbortSignal,
  onOutput: () => ((chunk: Buffer) => Promise<void>) | undefined,
): Promise<RunOutcome> {
  checkRunOptions(options);
  const argv = commandArgv(command, options.shell);
  const { input } = options;
  const opening = open();
  // Where it fails before it is read, that is told by the reading.
  if (input instanceof Readable) input.on('error', () => {});
  const session = await unlessAborted(opening, signal);
  const process: RemoteProcess = await session.start(specOf(argv, options), { signal });
  try {
    const sinks = sinksOf(options, onOutput());
    // It is in the result.
    if (options.overflow === 'drop-oldest') allowGaps(process);
    const outputs = Promise.all([
      collect(process.stdout, sinks.stdout, sinks.room),
      collect(process.stderr, sinks.stderr, sinks.room),
      collect(process.terminal, sinks.terminal, sinks.room),
    ]);
    const fed =
      process.stdin === null || input === undefined ? undefined : feed(process.stdin, input);
    // An input that fails ends nothing by itself: the command would wait for the rest of it. One
    // that has not ended when the command has is not waited for.
    const failed = new Promise<never>((_, reject) => fed?.catch(reject));
    await Promise.race([outputs, failed]);
    const closure = await process.closed;
    signal.throwIfAborted();
    const { stderr, stdout, terminal } = sinks;
    const result = {
      ...closure,
      stdout: stdout.output,
      stderr: stderr.output,
      terminal: terminal.output,
      gaps: process.gaps,
    };
    return {
      result,
      output: (process.terminal === null ? stdout : terminal).bytes,
      check() {
        if (closure.code !== 0) throw new CommandError(argv.map(shownText), result, stderr.tail);
      },
    };
  } catch (error) {
    // Nobody reads it any more.
    void process.terminate().catch(() => {});
    throw error;
  }
}

function specOf(argv: readonly SystemText[], options: RunOptions): ProcessSpec {
  const {
    buffer: _buffer,
    check: _check,
    encoding: _encoding,
    input,
    maxOutputBytes: _maxOutputBytes,
    onStderr: _onStderr,
    onStdout: _onStdout,
    shell: _shell,
    signal: _signal,
    ...spec
  } = options;
  const stdin = input === undefined ? 'closed' : 'pipe';
  return { ...spec, argv, overflow: spec.overflow ?? 'pause', stdin };
}

function allowGaps({ stderr, stdout, terminal }: RemoteProcess): void {
  for (const stream of [stdout, stderr, terminal]) stream?.on('gap', () => {});
}

/** Bytes that may still be kept. */
interface Room {
  left: number;
  readonly of: number;
}

function sinksOf(
  { buffer = true, encoding = 'buffer', maxOutputBytes, onStderr, onStdout }: RunOptions,
  onOutput: ((chunk: Buffer) => Promise<void>) | undefined,
): Record<'stdout' | 'stderr' | 'terminal', OutputSink> & { readonly room: Room } {
  const of = maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
  const keep = buffer && onOutput === undefined;
  return {
    stdout: new OutputSink({ encoding, keep, onBytes: onOutput, onChunk: onStdout }),
    stderr: new OutputSink({ encoding, keep: buffer, onChunk: onStderr }),
    terminal: new OutputSink({ encoding, keep, onBytes: onOutput, onChunk: undefined }),
    room: { left: of, of },
  };
}

async function collect(stream: OutputReadable | null, sink: OutputSink, room: Room): Promise<void> {
  for await (const chunk of (stream ?? []) as AsyncIterable<Buffer>) {
    if (sink.keeps) room.left -= chunk.byteLength;
    if (room.left < 0) throw new RunOutputError(room.of);
    await sink.take(chunk);
  }
  await sink.end();
}

/** Writes the input, to its end or as far as the command reads it. Rejects if the input fails. */
async function feed(
  stdin: NodeJS.WritableStream,
  input: string | Uint8Array | Readable,
): Promise<void> {
  const source =
    input instanceof Readable ? input : Readable.from([Buffer.from(input as Uint8Array)]);
  try {
    await pipeline(source, stdin);
  } catch (error) {
    // A command need not read its stdin.
    if (!(error instanceof RemoteError && error.reason === 'STDIN_CLOSED')) throw error;
  }
}
