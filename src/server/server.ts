import type { Address } from '../address.ts';
import { idleClock, systemClock } from '../clock.ts';
import { closeRoots } from '../files/roots.ts';
import { CLOSE_WAIT_MS, DEFAULT_GRACE_MS, DRAIN_ABSENCE_MS, FIRST_CALL_MS } from '../limits.ts';
import type { Gauges } from '../telemetry/meter.ts';
import { acceptAt } from './accept.ts';
import { openCore } from './core.ts';
import { Door } from './door.ts';
import { drained } from './drain.ts';
import { gaugesOf } from './gauges.ts';
import { createGrpcServer } from './grpc-server.ts';
import { lookAfterReadiness } from './look-after-readiness.ts';
import type { Readiness } from './readiness.ts';
import type { ServerOptions } from './server-options.ts';

/** What can be changed of a server that runs; of the limits, what `LIVE_LIMITS` lists. */
export type Adjustable = Pick<
  ServerOptions,
  'drain' | 'drainMs' | 'highWater' | 'limits' | 'shutdownGraceMs'
>;

/** A server that runs. */
export interface RunletServer {
  /** Where it listens, with the real ports. */
  readonly addresses: readonly Address[];
  /** Whether new work is to come. */
  readonly readiness: Pick<Readiness, 'current' | 'follow'>;
  /**
   * Shuts down in order: health says NOT_SERVING, nothing new is begun, sessions go on for as long
   * as they may, processes are terminated, streams come to their ends, connections are closed.
   * Bounded in time. Idempotent. `waits`: whether sessions may go on. Default: as configured.
   */
  shutdown(options?: { readonly waits?: boolean }): Promise<void>;
  /** Ends the wait and the grace of a shutdown: what still runs gets SIGKILL now. */
  hurry(): void;
  /** Has it be told otherwise from now on. What is not told anew is as it was. */
  adjust(options: Partial<Adjustable>): void;
  /** Tries what sandboxes rely on, in the background; else it waits until somebody asks. */
  trySandboxes(): void;
  /** How much there is of what it holds: it looks at each session and process. */
  gauges(): Gauges;
}

/**
 * Starts a server.
 *
 * @throws Error if an address cannot be bound, or may not be as it is asked for; nothing is left
 *   listening then
 */
export async function startServer(options: ServerOptions): Promise<RunletServer> {
  const { logger } = options;
  const core = await openCore(options);
  const { helpers, host, limits, readiness, records, roots, sandboxes, sessions, spool } = core;
  const { stats, workers } = core;
  const grpc = createGrpcServer(core, options);
  const door = new Door({
    maxConnections: limits.maxConnections,
    maxUnspoken: limits.maxUnspokenConnections,
    firstCallMs: options.firstCallMs ?? FIRST_CALL_MS,
    // The time of the network, not of the processes.
    clock: idleClock,
  });
  const listeners = await acceptAt(options.listeners, {
    door,
    onConnection: (socket) => grpc.take(socket),
    logger,
  }).catch(async (error: unknown) => {
    await spool?.close();
    await helpers.close();
    await workers.close();
    await records?.close();
    closeRoots(roots);
    throw error;
  });
  for (const { address, file } of listeners) {
    if (address.kind === 'tcp') core.own.addPort(address.port);
    if (file !== undefined) core.own.addSocket(file);
  }
  core.own.complete();
  readiness.follow((state) => {
    if (state.ready) logger.info('ready for new work');
    else logger.warn({ reasons: state.reasons }, 'not ready for new work');
  });
  let adjusted: Adjustable = options;
  const { highWater = {}, stateFolder } = options;
  const lookedAfter = lookAfterReadiness({ readiness, clock: idleClock, highWater, stateFolder });
  const hurried = new AbortController();

  let stopped: Promise<void> | undefined;
  const stop = async (waits: boolean): Promise<void> => {
    const { drain = 'terminate', drainMs = 0, shutdownGraceMs = DEFAULT_GRACE_MS } = adjusted;
    logger.info('shutting down');
    readiness.set('draining', true);
    lookedAfter.close();
    host.refuse();
    sessions.announceDraining();
    const end = (): Promise<void> => host.drain(shutdownGraceMs, CLOSE_WAIT_MS);
    // Those of no session are there until their calls are over.
    const left = (): number =>
      sessions.needed(DRAIN_ABSENCE_MS) + Math.max(0, host.size - sessions.processes);
    const over = { ms: drainMs, clock: systemClock, hurried: hurried.signal };
    if (drain === 'terminate') await end();
    if (waits && drainMs > 0) await drained({ ...over, left });
    if (drain === 'wait') await end();
    await sessions.drain();
    stats.close();
    await Promise.all(listeners.map((listener) => listener.close()));
    await grpc.close();
    door.close();
    await helpers.close();
    await workers.close();
    await records?.close();
    closeRoots(roots);
    await spool?.close();
    logger.info('shut down');
  };
  return {
    addresses: listeners.map((listener) => listener.address),
    readiness,
    shutdown({ waits = true } = {}) {
      stopped ??= stop(waits);
      return stopped;
    },
    hurry() {
      hurried.abort();
      host.killAll();
    },
    adjust(given) {
      adjusted = { ...adjusted, ...given };
      const { highWater: marks = {}, limits: bounds = {} } = adjusted;
      core.changeLimits(bounds);
      core.sessionMark.replace(marks.sessions ?? Number.POSITIVE_INFINITY);
      lookedAfter.replace(marks);
    },
    trySandboxes: () => void sandboxes.facts(),
    gauges() {
      return gaugesOf(core, { listeners: options.listeners, connections: door.size });
    },
  };
}
