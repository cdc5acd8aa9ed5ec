import type { Clock, Timer } from '../clock.ts';
import { draining } from '../draining.ts';
import type { Environment } from '../environment/env-policy.ts';
import { RunletError } from '../errors.ts';
import { DEFAULT_GRACE_MS, LEFT_BEHIND_DELAY_MS, type Limits } from '../limits.ts';
import type { OutputStore } from '../output/output-store.ts';
import { type PrincipalLimits, principalLimits } from '../policy/principal-limits.ts';
import type { Sandboxes } from '../sandbox/sandboxes.ts';
import { type Meter, NO_METER } from '../telemetry/meter.ts';
import { within } from '../within.ts';
import { BoundedStarts } from './bounded-starts.ts';
import { launchProcess } from './launch/launch-process.ts';
import type { LaunchContext } from './launch/launch-step.ts';
import { LAUNCH_STEPS } from './launch/launch-steps.ts';
import type { Launcher } from './launcher.ts';
import { LeftBehind } from './left-behind.ts';
import { Process } from './process.ts';
import type { ProcessOwner } from './process-owner.ts';
import type { ProcessSpec } from './process-spec.ts';
import { StartBounds } from './start-bounds.ts';
import type { StartGuard } from './start-guard.ts';
import { countedStart, stageTimer } from './start-meter.ts';
import { environmentOf, placeOf } from './start-place.ts';
import { poolThreads } from './start-turns.ts';
import { StdinBudgets } from './stdin-budgets.ts';
import { TreeRegistry } from './tree-registry.ts';
import type { FindUserSwitch } from './users/user-switch.ts';

/** What a host is made with. */
export interface ProcessHostOptions {
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Default: what `limits` says, of each. */
  readonly principals?: PrincipalLimits;
  /** Where output is kept. */
  readonly store: OutputStore;
  /** The server's own environment, from which policies inherit. */
  readonly environment: Environment;
  /** How processes become other users'. Default: they cannot. */
  readonly users?: FindUserSwitch | undefined;
  /** What makes sandboxes. Default: nothing can. */
  readonly sandboxes?: Sandboxes | undefined;
  /** Counts what comes of processes. Default: nobody does. */
  readonly meter?: Meter | undefined;
}

/** A process that is to be started. */
export interface ProcessOrder extends ProcessOwner {
  readonly id: string;
  /** Whose turn it takes among those of the principal. Default: the owner's. */
  readonly asker?: unknown;
  readonly spec: ProcessSpec;
  /** Says whether it may be started. Default: it may. */
  readonly guard?: StartGuard | undefined;
  /** Whoever starts it is the only one to read its events. Default: others may. */
  readonly readOnce?: boolean;
  /**
   * Called before the launch and after it; throws if in the meantime nobody wants the
   * process any more, which is then ended at once.
   */
  readonly assertWanted: () => void;
}

/**
 * The one place through which every process of the server comes to be. It knows
 * them all until they are released, so that none escapes the limit or the
 * server's shutdown.
 */
export class ProcessHost {
  /** Counts what comes of its processes. */
  readonly meter: Meter;
  readonly #options: ProcessHostOptions;
  readonly #processes = new Map<Process, ProcessOwner>();
  readonly #bounds: StartBounds;
  readonly #stdin: StdinBudgets;
  /** Those that are being launched. */
  readonly #starting = new Set<Promise<unknown>>();
  readonly #starts: BoundedStarts;
  readonly #trees = new TreeRegistry();
  /** Of processes that belonged to no session. */
  readonly #leftBehind: LeftBehind;
  #ending: Timer | undefined;
  #draining = false;

  constructor(options: ProcessHostOptions) {
    this.#options = options;
    this.meter = options.meter ?? NO_METER;
    const { clock, environment, launcher, limits } = options;
    const principals = options.principals ?? principalLimits(limits);
    this.#bounds = new StartBounds(limits, principals, clock);
    this.#stdin = new StdinBudgets(principals);
    const threads = poolThreads(Object.fromEntries(environment));
    this.#starts = new BoundedStarts(launcher, clock, threads);
    this.#leftBehind = this.collectLeftBehind();
  }

  /** No process is started any more. */
  get draining(): boolean {
    return this.#draining;
  }

  /** How many processes it knows, those that are being started included. */
  get size(): number {
    return this.#bounds.count;
  }

  /** How many of them are being started. */
  get starting(): number {
    return this.#starting.size;
  }

  /** Those that were launched, in the order of that, and whose they are. */
  launched(): Iterable<readonly [process: Process, whose: ProcessOwner]> {
    return this.#processes;
  }

  /** How many principals have processes, or stdin that waits. */
  get principals(): number {
    return Math.max(this.#bounds.principals, this.#stdin.size);
  }

  /** Begins nothing new from now on. What runs goes on. Idempotent. */
  refuse(): void {
    this.#draining = true;
  }

  /** @throws RunletError `DRAINING` if nothing new may be begun. */
  assertAccepting(): void {
    if (this.#draining) throw draining();
  }

  /**
   * Starts a process; whoever asks must {@link release} it in the end.
   *
   * @throws RunletError `START_FAILED`, `LIMIT_EXCEEDED`, `DRAINING`, `POLICY_DENIED`,
   *   `SANDBOX_REQUIRED`, `SANDBOX_UNAVAILABLE`
   */
  start(asked: ProcessOrder): Promise<Process> {
    return countedStart(this.meter, this.#start(asked));
  }

  async #start(asked: ProcessOrder): Promise<Process> {
    this.assertAccepting();
    if (asked.spec.sandbox === undefined && this.#options.sandboxes?.required) {
      throw new RunletError('SANDBOX_REQUIRED');
    }
    const { guard, principal } = asked;
    const order = guard === undefined ? asked : { ...asked, spec: await guard.admit(asked.spec) };
    const { spec } = order;
    this.#bounds.enter(principal, spec);
    const environment = environmentOf(this.#options.environment, spec);
    const waits = stageTimer(this.meter, guard);
    const starting = this.#starts.use(
      { principal, asker: order.asker ?? order.owner },
      () => placeOf(spec, environment),
      (signal) => {
        const assertWanted = (): void => {
          this.assertAccepting();
          order.assertWanted();
          signal.throwIfAborted();
        };
        assertWanted();
        waits('queue');
        return this.#launch({ ...order, assertWanted }, environment, signal);
      },
    );
    this.#starting.add(starting);
    try {
      return await starting;
    } catch (error) {
      this.#bounds.leave(principal, spec);
      throw error;
    } finally {
      this.#starting.delete(starting);
    }
  }

  /**
   * Forgets a process: nobody can ask for it any more. What may be left of its tree
   * is handed to `keeper`; without one, it was ended with the process. Idempotent.
   */
  release(process: Process, keeper?: LeftBehind): void {
    const principal = this.#processes.get(process)?.principal;
    if (principal === undefined) return;
    this.#processes.delete(process);
    this.#bounds.leave(principal, process.record);
    process.dispose();
    if (keeper === undefined) this.#trees.remove(process.tree);
    else keeper.add(process.tree);
  }

  /** Forgets a process that belonged to no session: what is left of its tree is ended soon. */
  releaseAndEnd(process: Process): void {
    this.release(process, this.#leftBehind);
    // Many that are over at about the same time are looked for at once.
    this.#ending ??= this.#options.clock.setTimer(LEFT_BEHIND_DELAY_MS, () => {
      this.#ending = undefined;
      void this.#leftBehind.end(DEFAULT_GRACE_MS);
    });
  }

  /** Keeps what processes leave behind, to be ended with what they belonged to. */
  collectLeftBehind(): LeftBehind {
    return new LeftBehind(this.#trees, this.#options.clock);
  }

  /** Ends every process, resolves when all are closed; cuts the output of what is not after `waitMs`. */
  async drain(graceMs: number, waitMs: number): Promise<void> {
    this.refuse();
    // What comes later is ended as soon as it is there. It may never come: a disk may hang.
    await within(Promise.allSettled(this.#starting), this.#options.clock, waitMs);
    this.#starts.giveUp(draining());
    this.#ending?.cancel();
    await Promise.all([
      this.#leftBehind.end(graceMs),
      ...[...this.#processes.keys()].map(async (process) => {
        await process.terminate('server-shutdown', graceMs);
        await this.closeOut(process, waitMs);
      }),
    ]);
  }

  /** Kills every process at once, whatever grace it was given. */
  killAll(): void {
    this.#leftBehind.hurry();
    for (const process of this.#processes.keys()) void process.terminate('server-shutdown', 0);
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

  async #launch(
    { id, owner, asker = owner, principal, spec, guard, readOnce, assertWanted }: ProcessOrder,
    environment: LaunchContext['environment'],
    signal: AbortSignal,
  ): Promise<Process> {
    const { clock, launcher, limits, sandboxes, users } = this.#options;
    const who = { principal, asker };
    const context = { spec, launcher, environment, guard, users, sandboxes, asker: who, signal };
    const stage = stageTimer(this.meter, guard);
    const launched = await launchProcess(LAUNCH_STEPS, context, assertWanted, stage);
    const process = new Process(launched, {
      ...spec,
      id,
      outputName: owner === '' ? id : `${owner}/${id}`,
      outputOwner: principal,
      clock,
      readOnce: readOnce ?? false,
      maxQueuedStdinBytes: limits.maxQueuedStdinBytes,
      stdinBudget: this.#stdin.of(principal),
      store: this.#options.store,
      meter: this.meter,
    });
    this.#trees.add(process.tree);
    this.#processes.set(process, { owner, principal });
    try {
      assertWanted();
    } catch (error) {
      await this.#discard(process);
      throw error;
    }
    guard?.started(id, process);
    return process;
  }

  /** Ends a process that nobody has heard of. */
  async #discard(process: Process): Promise<void> {
    await process.terminate('call-cancelled', 0);
    process.abandon();
    process.cutOutput();
    // As release does; what it counted is given back with the start.
    if (!this.#processes.delete(process)) return;
    process.dispose();
    this.#trees.remove(process.tree);
  }
}
