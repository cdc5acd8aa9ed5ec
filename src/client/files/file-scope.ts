import { OptionError } from '../client-error.ts';
import { type SandboxOptions, sandboxMessage } from '../sandbox.ts';
import { callsWithin, type FileCalls } from './file-calls.ts';
import type { FileCallOptions } from './file-options.ts';
import { FileStream } from './file-stream.ts';

/** What calls about files can reach: all, or what a sandbox lets them. */
export class FileScope {
  readonly #calls: FileCalls;
  readonly #sandbox: SandboxOptions | false;
  readonly #isFixed: boolean;

  /**
   * `sandbox`: that of calls that name none. `isFixed`: no call may name another, so that whoever
   * is given these files gets no further.
   */
  constructor(calls: FileCalls, sandbox: SandboxOptions | false, isFixed = false) {
    this.#calls = calls;
    this.#sandbox = sandbox;
    this.#isFixed = isFixed;
  }

  /**
   * How a call with some options is made.
   *
   * @throws OptionError
   */
  callsFor(options: FileCallOptions): FileCalls {
    if (options.sandbox !== undefined) this.#assertFree();
    const { sandbox = this.#sandbox } = options;
    return sandbox === false ? this.#calls : callsWithin(this.#calls, sandboxMessage(sandbox));
  }

  /** What a stream of the server gives to a call, which ends with it. */
  stream<T, O extends FileCallOptions>(
    options: O,
    open: (calls: FileCalls, options: O & { readonly signal: AbortSignal }) => AsyncIterator<T>,
  ): FileStream<T> {
    const calls = this.callsFor(options);
    return new FileStream((signal) => open(calls, { ...options, signal }), options.signal);
  }

  /**
   * The same files within a sandbox.
   *
   * @throws OptionError
   */
  within(sandbox: SandboxOptions): FileScope {
    this.#assertFree();
    sandboxMessage(sandbox);
    return new FileScope(this.#calls, sandbox, true);
  }

  #assertFree(): void {
    if (!this.#isFixed) return;
    throw new OptionError('sandbox', 'sandbox cannot be another: these files are within one');
  }
}
