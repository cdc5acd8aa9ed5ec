import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RemoteError, RunletClientError } from './errors.ts';
import type { OutputReadable } from './output-readable.ts';
import type { GapRange } from './process-event.ts';
import type { ProcessClosure } from './process-info.ts';
import type { ProcessSpec } from './process-spec.ts';
import type { RemoteProcess } from './remote-process.ts';
import type { RemoteSession } from './remote-session.ts';
import { unlessAborted } from './waiting.ts';

/** How a command is run, beside what it is. */
export interface RunOptions extends Omit<ProcessSpec, 'argv' | 'stdin'> {
  /** What it reads from its stdin, end-of-file after it. Default: end-of-file at once. */
  readonly input?: string | Uint8Array | Readable;
  /** Terminates it when it aborts. */
  readonly signal?: AbortSignal;
  /** Bytes that it may write in all. Default: 64 MiB. */
  readonly maxOutputBytes?: number;
}

/** What came of a command. */
export interface RunResult extends ProcessClosure {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** What it showed on its terminal; empty: it had none. */
  readonly terminal: Buffer;
  /** What is missing of its output; empty: nothing. */
  readonly gaps: readonly GapRange[];
}

/** A command wrote more than it was allowed to. It was terminated. */
export class RunOutputError extends RunletClientError {
  override readonly name = 'RunOutputError';
  readonly maxOutputBytes: number;

  constructor(maxOutputBytes: number) {
    super(`the command wrote more than ${maxOutputBytes} bytes`);
    this.maxOutputBytes = maxOutputBytes;
  }
}

const DEFAULT_MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Runs a command to its end, in a session that is being opened. @internal */
export async function runProcess(
  opening: Promise<RemoteSession>,
  argv: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  const { input, maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES, signal, ...spec } = options;
  // Where it fails before it is read, that is told by the reading.
  if (input instanceof Readable) input.on('error', () => {});
  const session = await (signal === undefined ? opening : unlessAborted(opening, signal));
  const process: RemoteProcess = await session.start(
    { overflow: 'pause', ...spec, argv, stdin: input === undefined ? 'closed' : 'pipe' },
    signal === undefined ? {} : { signal },
  );
  let left = maxOutputBytes;
  const collect = async (stream: OutputReadable | null): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of (stream ?? []) as AsyncIterable<Buffer>) {
      left -= chunk.byteLength;
      if (left < 0) throw new RunOutputError(maxOutputBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  };
  try {
    const outputs = Promise.all([
      collect(process.stdout),
      collect(process.stderr),
      collect(process.terminal),
    ]);
    const fed =
      process.stdin === null || input === undefined ? undefined : feed(process.stdin, input);
    // An input that fails ends nothing by itself: the command would wait for the rest of it. One
    // that has not ended when the command has is not waited for.
    const failed = new Promise<never>((_, reject) => fed?.catch(reject));
    const [stdout, stderr, terminal] = await Promise.race([outputs, failed]);
    const closure = await process.closed;
    signal?.throwIfAborted();
    return { ...closure, stdout, stderr, terminal, gaps: process.gaps };
  } catch (error) {
    // Nobody reads it any more.
    void process.terminate().catch(() => {});
    throw error;
  }
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
