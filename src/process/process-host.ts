import type { Clock } from '../clock.ts';
import { buildEnvironment, type Environment } from '../environment/env-policy.ts';
import { limitExceeded, RunletError } from '../errors.ts';
import { DRAINING_RETRY_MS, type Limits } from '../limits.ts';
import type { Launcher } from './launcher.ts';
import { Process } from './process.ts';
import type { ProcessSpec } from './process-spec.ts';
import { checkWorkingDirectory, findProgram } from './program-lookup.ts';

/** What a host is made with. */
export interface ProcessHostOptions {
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The server's own environment, from which policies inherit. */
  readonly environment: Environment;
}

/**
 * The one place through which every process of the server comes to be. It knows
 * them all until they are released, so that none escapes the limit or the
 * server's shutdown.
 */
export class ProcessHost {
  readonly #options: ProcessHostOptions;
  readonly #processes = new Set<Process>();
  /** Those that are being launched, each counting as one. */
  readonly #starting = new Set<Promise<unknown>>();
  #draining = false;

  constructor(options: ProcessHostOptions) {
    this.#options = options;
  }

  /** No process is started any more. */
  get draining(): boolean {
    return this.#draining;
  }

  /** How many processes it knows. */
  get size(): number {
    return this.#processes.size + this.#starting.size;
  }

  /** @throws RunletError `DRAINING` if nothing new may be begun. */
  assertAccepting(): void {
    if (this.#draining) throw new RunletError('DRAINING', { retryAfterMs: DRAINING_RETRY_MS });
  }

  /**
   * Starts a process; whoever asks must {@link release} it in the end.
   *
   * `assertWanted` is called before the launch and after it, and throws if in the
   * meantime nobody wants the process any more; it is then ended at once.
   *
   * @throws RunletError `START_FAILED`, `LIMIT_EXCEEDED`, `DRAINING`
   */
  async start(id: string, spec: ProcessSpec, assertWanted: () => void): Promise<Process> {
    this.assertAccepting();
    const { maxProcesses } = this.#options.limits;
    if (this.size >= maxProcesses) throw limitExceeded('max_processes', maxProcesses);
    const starting = this.#launch(id, spec, assertWanted);
    this.#starting.add(starting);
    try {
      return await starting;
    } finally {
      this.#starting.delete(starting);
    }
  }

  /** Forgets a process: nobody can ask for it any more. Idempotent. */
  release(process: Process): void {
    this.#processes.delete(process);
  }

  /**
   * Starts no more, ends every process, and resolves when all are closed. What
   * is not closed `waitMs` after it was ended has its output cut.
   */
  async drain(graceMs: number, waitMs: number): Promise<void> {
    this.#draining = true;
    await Promise.allSettled(this.#starting);
    await Promise.all(
      [...this.#processes].map(async (process) => {
        await process.terminate('server-shutdown', graceMs);
        await this.closeOut(process, waitMs);
      }),
    );
  }

  /** Waits `waitMs` for a process that was ended to close; then cuts its output. */
  async closeOut(process: Process, waitMs: number): Promise<void> {
    process.abandon();
    const timer = this.#options.clock.setTimer(waitMs, () => process.cutOutput());
    // What could not be killed does not close; its output is cut all the same.
    const cut = new AbortController();
    const giveUp = this.#options.clock.setTimer(2 * waitMs, () => cut.abort());
    await process.closed.wait(cut.signal);
    timer.cancel();
    giveUp.cancel();
  }

  async #launch(id: string, spec: ProcessSpec, assertWanted: () => void): Promise<Process> {
    const { clock, environment, launcher, limits } = this.#options;
    const { argv, cwd } = spec;
    const env = buildEnvironment(environment, spec.envPolicy, spec.env);
    await checkWorkingDirectory(cwd);
    const program = await findProgram(argv[0] ?? '', cwd, env);
    this.assertAccepting();
    assertWanted();
    const launched = await launcher.launch({
      program,
      arg0: spec.arg0,
      args: argv.slice(1),
      cwd,
      env,
      stdin: spec.stdin,
      terminal: spec.terminal,
    });
    const process = new Process(launched, {
      ...spec,
      id,
      clock,
      maxQueuedStdinBytes: limits.maxQueuedStdinBytes,
    });
    // The kernel gave out the number again, so that an earlier process of it is gone for good.
    for (const other of this.#processes) if (other.pid === process.pid) other.numberReused();
    this.#processes.add(process);
    try {
      this.assertAccepting();
      assertWanted();
    } catch (error) {
      await this.#discard(process);
      throw error;
    }
    return process;
  }

  /** Ends a process that nobody has heard of. */
  async #discard(process: Process): Promise<void> {
    await process.terminate('call-cancelled', 0);
    process.abandon();
    process.cutOutput();
    this.release(process);
  }
}
