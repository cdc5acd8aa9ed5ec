import type { Clock } from '../../clock.ts';
import { IDLE_HELPER_MS } from '../../limits.ts';
import type { Tally } from '../../policy/tally.ts';
import { sandboxUnavailable } from '../../sandbox/sandbox-failure.ts';
import type { SandboxSpec } from '../../sandbox/sandbox-spec.ts';
import type { Session } from '../../session/session.ts';
import type { Asker } from '../../turn-queue.ts';
import { faultOf } from '../file-fault.ts';
import type { FileOperations } from '../workers/file-operations.ts';
import { FileWorkers } from '../workers/file-workers.ts';
import type { OpenLink, SeatEvents, SeatLink } from '../workers/seat-link.ts';
import { HelperCounts } from './helper-counts.ts';
import { processLinks, type StartHelper } from './process-link.ts';
import { SandboxedFiles } from './sandboxed-files.ts';
import { loadNativeSockets } from './socket-native.ts';

/** What helpers for files are made with. */
export interface FileHelpersOptions {
  /** Starts the process of one in a sandbox, for somebody. */
  start(spec: SandboxSpec, asker: Asker): StartHelper;
  /** Threads of ours. */
  readonly threads: FileWorkers;
  /** Operations of each principal that are under way, those of threads as well. */
  readonly underWay: Tally;
  /** The time of the machine. */
  readonly clock: Clock;
  /** A fault of ours. */
  readonly onError: (error: unknown) => void;
}

/** What helpers have to know of a session: when it ends. */
export type HelperSession = Pick<Session, 'whenOver'>;

/** A second of a policy takes the place of one that does not answer, until that is ended. */
const COUNTS = { healthy: 1, hanging: 1 };

/**
 * Processes that do operations on files inside of sandboxes: one for each session and policy,
 * which is there for some seconds after its last call, and ends with its session.
 */
export class FileHelpers {
  readonly #options: FileHelpersOptions;
  readonly #counts = new HelperCounts();
  readonly #sessions = new WeakMap<HelperSession, Map<string, FileWorkers>>();
  readonly #all = new Set<FileWorkers>();
  #native: { readonly functions: ReturnType<typeof loadNativeSockets> } | undefined;

  constructor(options: FileHelpersOptions) {
    this.#options = options;
  }

  /** Processes that there are. */
  get size(): number {
    return this.#counts.size;
  }

  /**
   * Operations in a sandbox. Nothing is begun before one is asked for.
   *
   * @param key tells this policy from others: of {@link sandboxKey}
   */
  of(session: HelperSession, asker: Asker, key: string, spec: SandboxSpec): FileOperations {
    const { threads } = this.#options;
    return new SandboxedFiles({ threads, helper: () => this.#helper(session, asker, key, spec) });
  }

  /** Ends all. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map((helper) => helper.close()));
  }

  #helper(session: HelperSession, asker: Asker, key: string, spec: SandboxSpec): FileWorkers {
    const helpers = this.#helpersOf(session);
    const known = helpers.get(key);
    if (known !== undefined) return known;
    const { clock, onError, start, underWay } = this.#options;
    const helper = new FileWorkers({
      open: this.#links(asker, () => helper.closeIdle(), start(spec, asker)),
      counts: COUNTS,
      idleMs: IDLE_HELPER_MS,
      underWay,
      clock,
      onError,
      onEmpty: () => {
        this.#all.delete(helper);
        if (helpers.get(key) === helper) helpers.delete(key);
      },
    });
    this.#all.add(helper);
    helpers.set(key, helper);
    return helper;
  }

  #helpersOf(session: HelperSession): Map<string, FileWorkers> {
    const known = this.#sessions.get(session);
    if (known !== undefined) return known;
    const helpers = new Map<string, FileWorkers>();
    this.#sessions.set(session, helpers);
    session.whenOver(() => {
      for (const helper of helpers.values()) void helper.close();
    });
    return helpers;
  }

  #links({ principal }: Asker, endIdle: () => boolean, start: StartHelper): OpenLink {
    return (events) => {
      try {
        const { ending, gone } = this.#counts.enter(principal, endIdle);
        const { clock } = this.#options;
        const states = { onEnding: ending, onGone: gone };
        try {
          return processLinks({ native: this.#sockets(), start, clock, ...states })(events);
        } catch (error) {
          gone();
          throw error;
        }
      } catch (error) {
        return failed(error, events);
      }
    };
  }

  #sockets(): NonNullable<ReturnType<typeof loadNativeSockets>> {
    this.#native ??= { functions: loadNativeSockets() };
    const { functions } = this.#native;
    if (functions !== undefined) return functions;
    throw sandboxUnavailable(
      'helper',
      'ENOSYS',
      'the server cannot call the system on this machine',
    );
  }
}

/** One that could not be opened: that is told to who waits for it, as everything else is. */
function failed(error: unknown, events: SeatEvents): SeatLink {
  queueMicrotask(() => events.onEnd(typed(error)));
  return { send() {}, close() {} };
}

/** An error of the system is one of the machine's limits. */
function typed(error: unknown): unknown {
  try {
    const { failure } = faultOf(error, 'socketpair', '');
    return sandboxUnavailable('limits', failure.errnoName, failure.message);
  } catch {
    return error;
  }
}
