import type { Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { CallTarget } from './call-attempts.ts';
import { RunletClientError } from './client-error.ts';
import { RemoteError, StdinConflictError } from './errors.ts';
import type { KeepAlive } from './keep-alive.ts';
import { SIGNAL_SCOPES, type SignalName, type SignalScopeName, signalValue } from './names.ts';
import { duration, wholeBigInt } from './numbers.ts';
import {
  checkEventsOptions,
  checkKillOptions,
  checkSize,
  checkTerminateOptions,
} from './option-checks.ts';
import { type FeedMember, OutputFeed } from './output-feed.ts';
import { OutputReadable } from './output-readable.ts';
import { type GapRange, type ProcessEvent, processEvent } from './process-event.ts';
import {
  type ProcessClosure,
  type ProcessExit,
  type ProcessInfo,
  processInfo,
} from './process-info.ts';
import type { ProcessLife } from './process-life.ts';
import { sizeMessage, type TerminalSize } from './process-spec.ts';
import type { CallPolicy } from './session-calls.ts';
import { StdinWritable } from './stdin-writable.ts';
import type { ProcessCalls } from './tracing.ts';

/** What a process is made of, for its client. @internal */
export interface RemoteProcessParts {
  readonly calls: ProcessCalls;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
  readonly info: ProcessInfo;
  readonly life: ProcessLife;
  /** Called whenever somebody wants to know of its end. */
  readonly ask: () => void;
  /** Bytes of stdin that were accepted; undefined: to be asked for. */
  readonly stdinOffset: bigint | undefined;
}

/**
 * A process on a server. Its streams and promises outlive connections: a break is a
 * pause. Once its session is lost they all fail with the same `SessionLostError`.
 */
export class RemoteProcess {
  readonly id: string;
  /** Its number on the server's machine, for people. */
  readonly pid: number;
  readonly argv: readonly string[];
  /** What enforces its sandbox: `bubblewrap`. Empty: it runs in none. */
  readonly sandbox: string;
  /** Writes to its standard input or terminal; null: it was started without. */
  readonly stdin: Writable | null;
  /** Its standard output; null: it has a terminal. */
  readonly stdout: OutputReadable | null;
  /** Its standard error; null: it has a terminal. */
  readonly stderr: OutputReadable | null;
  /** What it shows on its terminal; null: it has none. */
  readonly terminal: OutputReadable | null;
  readonly #parts: RemoteProcessParts;
  /** A feed that has not begun, which others may join. */
  #feed: OutputFeed | undefined;

  /** @internal */
  constructor(parts: RemoteProcessParts) {
    const { calls, info, stdinOffset } = parts;
    this.id = info.id;
    this.pid = info.pid;
    this.sandbox = info.sandbox;
    this.argv = info.argv;
    this.#parts = parts;
    const output = (name: 'stdout' | 'stderr' | 'terminal', has: boolean): OutputReadable | null =>
      has ? new OutputReadable(name, (member) => this.#openFeed(member)) : null;
    this.stdout = output('stdout', !info.hasTerminal);
    this.stderr = output('stderr', !info.hasTerminal);
    this.terminal = output('terminal', info.hasTerminal);
    this.stdin = info.hasStdin ? new StdinWritable(stdinTarget(calls, info.id), stdinOffset) : null;
    const forget = calls.link.onLost((error) => {
      for (const stream of [this.stdin, this.stdout, this.stderr, this.terminal]) {
        stream?.destroy(error);
      }
    });
    // From then on nothing is written, and whoever reads on notices by himself.
    parts.life.closed.then(forget, forget);
  }

  /** Resolves when it has exited. Its output may go on. */
  get exited(): Promise<ProcessExit> {
    this.#parts.ask();
    return this.#awaited(this.#parts.life.exited);
  }

  /** Resolves when it has exited and its output has ended. */
  get closed(): Promise<ProcessClosure> {
    return this.#awaited(this.over());
  }

  /** The same for what the program does not wait for. @internal */
  over(): Promise<ProcessClosure> {
    this.#parts.ask();
    return this.#parts.life.closed;
  }

  /** All output that was missing, in what was read of its streams so far: see `OutputReadable`. */
  get gaps(): readonly GapRange[] {
    return [this.stdout, this.stderr, this.terminal].flatMap((stream) => stream?.gaps ?? []);
  }

  /**
   * Its events, from the first that is retained or the one after `after`, to `closed`.
   * Each call reads anew, and independently of the streams.
   */
  async *events(
    options: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<ProcessEvent> {
    checkEventsOptions(options);
    for await (const events of this.#follow(options.after ?? 0, options.signal)) yield* events;
  }

  /** The process as it is now. */
  async info(): Promise<ProcessInfo> {
    const { process } = await this.#call({ idempotent: true }, ({ generation, ids, options }) =>
      generation.control.processes.getProcess({ ...ids, processId: this.id }, options),
    );
    if (process === undefined)
      throw new RunletClientError('PROTOCOL', 'the server said nothing of the process');
    return processInfo(process);
  }

  /**
   * Sends a signal, to its group unless `scope` says otherwise. Sent once at most but for
   * SIGKILL: if the connection breaks meanwhile this fails, and it may have been sent.
   *
   * @throws RemoteError `PROCESS_EXITED` if nothing is left of it
   */
  async kill(
    signal: SignalName = 'SIGTERM',
    options: { readonly scope?: SignalScopeName } = {},
  ): Promise<void> {
    checkKillOptions(options);
    const request = { signal: signalValue(signal), scope: scopeValue(options.scope) };
    await this.#call({ idempotent: signal === 'SIGKILL' }, ({ generation, ids, options }) =>
      generation.control.processes.signalProcess(
        { ...ids, processId: this.id, ...request },
        options,
      ),
    );
  }

  /**
   * Ends it and what came of it: SIGTERM, and SIGKILL after `graceMs` (5000 unless said).
   * Resolves when it is over, with whether it ran before.
   */
  async terminate(
    options: { readonly graceMs?: number; readonly scope?: SignalScopeName } = {},
  ): Promise<boolean> {
    checkTerminateOptions(options);
    const { graceMs, scope } = options;
    const grace = graceMs === undefined ? {} : { grace: duration('graceMs', graceMs) };
    const request = { ...grace, scope: scopeValue(scope) };
    const { wasRunning } = await this.#call({ idempotent: true }, ({ generation, ids, options }) =>
      generation.control.processes.terminateProcess(
        { ...ids, processId: this.id, ...request },
        options,
      ),
    );
    return wasRunning;
  }

  /** Ends it and what came of it, unless its session is over for this client. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#parts.calls.link.lost !== undefined) return;
    try {
      await this.terminate();
    } catch (error) {
      // It ended long ago.
      if (!(error instanceof RemoteError && error.reason === 'PROCESS_EVICTED')) throw error;
    }
  }

  /**
   * Sets the size of its terminal.
   *
   * @throws RemoteError `NO_TERMINAL`, `PROCESS_EXITED`
   */
  async resize(terminal: TerminalSize): Promise<void> {
    checkSize(terminal);
    const { columns, rows } = terminal;
    const size = sizeMessage({ columns, rows });
    await this.#call({ idempotent: true }, ({ generation, ids, options }) =>
      generation.control.processes.resizeTerminal({ ...ids, processId: this.id, size }, options),
    );
  }

  /** A promise that the program waits for. */
  #awaited<T>(promise: Promise<T>): Promise<T> {
    const release = this.#parts.keepAlive.hold();
    promise.then(release, release);
    return promise;
  }

  #call<T>(policy: CallPolicy, make: (target: CallTarget) => Promise<T>): Promise<T> {
    return this.#parts.calls.call(policy, make);
  }

  #openFeed(member: FeedMember): OutputFeed {
    if (this.#feed?.join(member)) return this.#feed;
    const follow = (after: number, signal: AbortSignal) => this.#follow(after, signal);
    this.#feed = new OutputFeed(follow, member.seq, this.#parts.clock);
    this.#feed.join(member);
    return this.#feed;
  }

  async *#follow(
    after: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly ProcessEvent[]> {
    const { calls, info } = this.#parts;
    const options = { acknowledge: info.overflow === 'pause', signal };
    for await (const events of calls.follow(this.id, wholeBigInt('after', after), options)) {
      yield events.flatMap((event) => processEvent(event) ?? []);
    }
  }
}

function scopeValue(scope: SignalScopeName | undefined): number {
  return scope === undefined ? 0 : SIGNAL_SCOPES.value(scope);
}

function stdinTarget(
  calls: ProcessCalls,
  processId: string,
): ConstructorParameters<typeof StdinWritable>[0] {
  return {
    async write(write, signal) {
      const { acceptedOffset } = await calls.call(
        { idempotent: true, signal },
        ({ generation, ids, options }) =>
          generation.control.processes.writeStdin({ ...ids, processId, ...write }, options),
      );
      if (acceptedOffset !== write.offset + BigInt(write.data.byteLength)) {
        throw new StdinConflictError();
      }
    },
    async acceptedOffset(signal) {
      const { acceptedOffset } = await calls.call(
        { idempotent: true, signal },
        ({ generation, ids, options }) =>
          generation.control.processes.writeStdin({ ...ids, processId }, options),
      );
      return acceptedOffset;
    },
  };
}
