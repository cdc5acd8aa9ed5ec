import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Address } from '../address.ts';
import { addService, type BridgeOptions } from '../bridge/add-service.ts';
import { CallEdges } from '../bridge/call-edges.ts';
import { CallMemory } from '../bridge/call-memory.ts';
import { keepSocket } from '../bridge/dead-session.ts';
import { boundHeaders, onStreams } from '../bridge/http2-streams.ts';
import { type Clock, idleClock, systemClock } from '../clock.ts';
import type { Environment } from '../environment/env-policy.ts';
import { ownEnvironment, ownWorkingDirectory } from '../environment/own-environment.ts';
import { limitExceeded } from '../errors.ts';
import { Health as HealthService } from '../gen/grpc/health/v1/health_pb.ts';
import { ProcessService } from '../gen/runlet/v1/process_pb.ts';
import { ServerService } from '../gen/runlet/v1/server_pb.ts';
import { SessionService } from '../gen/runlet/v1/session_pb.ts';
import {
  ASSURED_CALL_BYTES,
  CALL_MEMORY_BYTES,
  CALL_MEMORY_WAIT_MS,
  CLOSE_WAIT_MS,
  DEFAULT_GRACE_MS,
  DEFAULT_KEEPALIVE_MS,
  DEFAULT_KEEPALIVE_TIMEOUT_MS,
  FIRST_CALL_MS,
  type Limits,
  MAX_ENV_VARIABLES,
  MAX_MESSAGE_FIELDS,
  OVERSIZE_HEADROOM,
  REFUSED_STREAMS,
} from '../limits.ts';
import { OutputStore, type StoreProblem } from '../output/output-store.ts';
import { openSpool, type Spool } from '../output/spool/spool.ts';
import type { LivePolicy } from '../policy/live-policy.ts';
import { principalLimits, serverLimits } from '../policy/principal-limits.ts';
import { hasSeveralPrincipals } from '../policy/sole-principal.ts';
import type { Launcher } from '../process/launcher.ts';
import { createLauncher } from '../process/launchers.ts';
import { ProcessHost } from '../process/process-host.ts';
import { userSwitchFinder } from '../process/users/user-switch.ts';
import { SessionRegistry } from '../session/session-registry.ts';
import { logAudit } from '../telemetry/audit.ts';
import { acceptAt } from './accept.ts';
import { takeArrivals } from './arrivals.ts';
import { logRefusals } from './call-log.ts';
import { connectionOf } from './connection.ts';
import { Door } from './door.ts';
import type { ListenerOptions } from './listener-options.ts';
import { OpenCalls } from './open-calls.ts';
import { pipeline } from './pipeline.ts';
import { decodeError } from './requests/decode-error.ts';
import type { ServerLog } from './server-log.ts';
import { Health, healthService } from './services/health-service.ts';
import { processService } from './services/process/process-service.ts';
import { addReflection, REFLECTION_SERVICES } from './services/reflection-service.ts';
import { serverService } from './services/server-service.ts';
import { sessionService } from './services/session-service.ts';
import { startGuards } from './start-guards.ts';
import { statusHeaders, toStatus } from './status.ts';

/** How a server is made. */
export interface ServerOptions {
  /** Where to listen, and who is let in there; at least one. */
  readonly listeners: readonly ListenerOptions[];
  readonly logger: ServerLog;
  /** The environment that policies inherit from. Default: that of this process. */
  readonly environment?: Environment;
  /** The working directory where a spec names none, an absolute path. Default: this process's. */
  readonly cwd?: string;
  /**
   * The folder in which files of older output are kept while the server runs, made if it
   * is missing. Default: none, output is kept in memory alone.
   */
  readonly stateFolder?: string;
  /** What callers may do beyond what they are granted. Default: everything. */
  readonly policy?: LivePolicy | undefined;
  /** Default: those of {@link serverLimits}. */
  readonly limits?: Partial<Limits>;
  /** Default: the best that this machine offers. */
  readonly launcher?: Launcher;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Milliseconds between probes of a connection, and after the last answer. Default: 20,000. */
  readonly keepaliveMs?: number;
  /** Milliseconds that the answer to a probe may take. Default: 10,000. */
  readonly keepaliveTimeoutMs?: number;
  /** Milliseconds that a connection has for its first call that is let in. Default: 10,000. */
  readonly firstCallMs?: number;
  /** Milliseconds between SIGTERM and SIGKILL at shutdown. Default: 5000. */
  readonly shutdownGraceMs?: number;
}

/** A server that runs. */
export interface RunletServer {
  /** Where it listens, with the real ports. */
  readonly addresses: readonly Address[];
  /**
   * Shuts down in order: health says NOT_SERVING, nothing new is begun, processes
   * are terminated, streams come to their ends, connections are closed. Bounded
   * in time. Idempotent.
   */
  shutdown(): Promise<void>;
  /** Ends the grace of a shutdown: what still runs gets SIGKILL now. */
  hurry(): void;
}

/**
 * Starts a server.
 *
 * @throws Error if an address cannot be bound, or may not be as it is asked for; nothing is left
 *   listening then
 */
export async function startServer(options: ServerOptions): Promise<RunletServer> {
  const { logger } = options;
  const clock = options.clock ?? systemClock;
  const authenticators = options.listeners.flatMap(({ auth }) => auth);
  const limits = serverLimits(options.limits ?? {}, hasSeveralPrincipals(authenticators));
  const { policy } = options;
  const principals = principalLimits(limits, policy && ((name) => policy.limitsOf(name)));
  const launcher = options.launcher ?? createLauncher();
  const environment = options.environment ?? ownEnvironment(process.env);
  const cwd = options.cwd ?? workingFolder();
  const newId = (): string => randomUUID();

  const audit = logAudit(logger);
  const users = userSwitchFinder(launcher, systemClock);
  const spool = await openOutputSpool(options.stateFolder, clock, logger);
  const store = new OutputStore({
    clock,
    spool,
    memoryBytes: limits.outputMemoryBytes,
    diskBytes: limits.outputDiskBytes,
    shareOf(owner) {
      const { principalOutputDiskBytes, principalOutputMemoryBytes } = principals.of(owner);
      return { memoryBytes: principalOutputMemoryBytes, diskBytes: principalOutputDiskBytes };
    },
    onProblem: (problem) => logProblem(logger, problem),
  });
  const host = new ProcessHost({ launcher, clock, limits, principals, environment, store, users });
  const sessions = new SessionRegistry({ host, clock, limits, principals, newId });
  const grpc = new Server({
    'grpc.max_receive_message_length': limits.maxRequestBytes * OVERSIZE_HEADROOM,
    'grpc.max_send_message_length': -1,
    'grpc.enable_channelz': 0,
    'grpc.max_concurrent_streams': limits.maxConnectionStreams + REFUSED_STREAMS,
    'grpc.keepalive_time_ms': options.keepaliveMs ?? DEFAULT_KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? DEFAULT_KEEPALIVE_TIMEOUT_MS,
  });
  const callMemory = (): CallMemory =>
    new CallMemory({
      maxBytes: CALL_MEMORY_BYTES,
      assuredBytes: ASSURED_CALL_BYTES,
      maxWaitMs: CALL_MEMORY_WAIT_MS,
      clock: systemClock,
    });
  const open = new OpenCalls(clock);
  const services = [SessionService, ProcessService, ServerService];
  const shown = [...services, HealthService];
  const edges = new CallEdges({
    memory: { received: callMemory(), answered: callMemory() },
    maxMessageBytes: limits.maxRequestBytes * OVERSIZE_HEADROOM,
    memoryError: () => limitExceeded('call_memory_bytes', CALL_MEMORY_BYTES),
    statusHeaders,
    connectionOf,
    arrive: takeArrivals({
      services: [...shown, ...REFLECTION_SERVICES],
      onRefused: logRefusals(logger, audit, systemClock),
    }),
  });
  const bridge: BridgeOptions = {
    edges,
    maxRequestBytes: limits.maxRequestBytes,
    // No map of a request may have more entries than an environment.
    fieldBounds: { mapEntries: MAX_ENV_VARIABLES, fields: MAX_MESSAGE_FIELDS },
    toStatus,
    oversizeError: () => limitExceeded('max_request_bytes', limits.maxRequestBytes),
    decodeError,
    interceptors: pipeline({
      logger,
      audit,
      open,
      clock,
      limits,
      principals,
      policy: options.policy,
    }),
  };
  const guardOf = startGuards({ audit, policy: options.policy });
  addService(grpc, SessionService, sessionService({ sessions, clock, limits }), bridge);
  addService(
    grpc,
    ProcessService,
    processService({ sessions, host, clock, limits, cwd, newId, guardOf }),
    bridge,
  );
  addService(
    grpc,
    ServerService,
    serverService({
      cwd,
      limits,
      principals,
      launcher,
      files: spool !== undefined,
      users,
    }),
    bridge,
  );
  const health = new Health(services);
  addService(grpc, HealthService, healthService(health), bridge);
  addReflection(grpc, shown, bridge);

  const connections = new Set<Socket>();
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  boundHeaders(grpc, limits.maxHeaderBytes);
  onStreams(grpc, edges.take);
  const door = new Door({
    maxConnections: limits.maxConnections,
    maxUnspoken: limits.maxUnspokenConnections,
    firstCallMs: options.firstCallMs ?? FIRST_CALL_MS,
    // The time of the network, not of the processes.
    clock: idleClock,
  });
  const listeners = await acceptAt(options.listeners, {
    door,
    onConnection: (socket) => {
      connections.add(socket);
      socket.once('close', () => connections.delete(socket));
      keepSocket(socket);
      injector.injectConnection(socket);
    },
    logger,
  }).catch(async (error: unknown) => {
    await spool?.close();
    throw error;
  });

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    logger.info('shutting down');
    health.stopped.open();
    sessions.announceDraining();
    await host.drain(options.shutdownGraceMs ?? DEFAULT_GRACE_MS, CLOSE_WAIT_MS);
    await sessions.drain();
    await Promise.all(listeners.map((listener) => listener.close()));
    await endConnections(grpc, connections);
    open.close();
    door.close();
    await spool?.close();
    logger.info('shut down');
  };
  return {
    addresses: listeners.map((listener) => listener.address),
    shutdown: () => {
      stopped ??= stop();
      return stopped;
    },
    hurry: () => host.killAll(),
  };
}

/** Ours. Where it was removed, those that need it are told of its name, and others do without. */
function workingFolder(): string {
  try {
    return ownWorkingDirectory();
  } catch {
    return process.env['PWD'] ?? '/';
  }
}

function openOutputSpool(
  stateFolder: string | undefined,
  clock: Clock,
  logger: ServerLog,
): Promise<Spool> | undefined {
  if (stateFolder === undefined) return undefined;
  return openSpool({
    stateFolder,
    clock,
    onProblem: (err) => logger.warn({ err }, 'a file of old output could not be removed'),
  });
}

function logProblem(logger: ServerLog, problem: StoreProblem): void {
  if (problem.kind === 'spool-recovered') {
    logger.info('output is written to files again');
  } else {
    logger.warn({ err: problem.error }, 'output cannot be kept in files; some may be dropped');
  }
}

/**
 * Lets the connections' streams end, for a bounded time, then ends the
 * connections: a client may hold a stream open for ever, health's `Watch` for
 * one (https://github.com/grpc/grpc-node/issues/1458).
 */
async function endConnections(grpc: Server, connections: ReadonlySet<Socket>): Promise<void> {
  await new Promise<void>((resolve) => {
    // The time of the network, not of the processes.
    const timer = systemClock.setTimer(CLOSE_WAIT_MS, resolve);
    grpc.tryShutdown(() => {
      // Since Node.js 24 the last answers may not be written yet. The sockets end after them.
      void Promise.all([...connections].map(closed)).then(() => {
        timer.cancel();
        resolve();
      });
    });
  });
  grpc.forceShutdown();
  for (const socket of connections) socket.destroy();
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', resolve));
}
