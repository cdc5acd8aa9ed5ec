import type { Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { addService, type BridgeOptions } from '../bridge/add-service.ts';
import { CallEdges } from '../bridge/call-edges.ts';
import { CallMemory } from '../bridge/call-memory.ts';
import { keepSocket } from '../bridge/dead-session.ts';
import { onStreams } from '../bridge/http2-streams.ts';
import { methodPath } from '../bridge/types.ts';
import { idleClock, systemClock } from '../clock.ts';
import { draining } from '../draining.ts';
import { limitExceeded } from '../errors.ts';
import { Health as HealthService } from '../gen/grpc/health/v1/health_pb.ts';
import { FileService } from '../gen/runlet/v1/file_pb.ts';
import { HttpService } from '../gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../gen/runlet/v1/process_pb.ts';
import { ServerService } from '../gen/runlet/v1/server_pb.ts';
import { SessionService } from '../gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../gen/runlet/v1/tunnel_pb.ts';
import {
  ASSURED_CALL_BYTES,
  CALL_MEMORY_BYTES,
  CALL_MEMORY_WAIT_MS,
  CLOSE_WAIT_MS,
  CUT_WAIT_MS,
  DEFAULT_KEEPALIVE_MS,
  DEFAULT_KEEPALIVE_TIMEOUT_MS,
  MAX_ENV_VARIABLES,
  MAX_MESSAGE_FIELDS,
  OVERSIZE_HEADROOM,
  REFUSED_STREAMS,
} from '../limits.ts';
import { sessionTunnels } from '../network/tunnels/session-tunnels.ts';
import type { Audit } from '../telemetry/audit.ts';
import { takeArrivals } from './arrivals.ts';
import { logRefusals } from './call-log.ts';
import { connectionOf } from './connection.ts';
import type { Core } from './core.ts';
import { filesGuard } from './files-guard.ts';
import { LastingCalls } from './lasting-calls.ts';
import { meterTurnedAway } from './meter-calls.ts';
import { OpenCalls } from './open-calls.ts';
import { pipeline } from './pipeline.ts';
import { decodeError } from './requests/decode-error.ts';
import { sandboxedFiles } from './sandboxed-files.ts';
import type { ServerOptions } from './server-options.ts';
import { fileService } from './services/file/file-service.ts';
import { Health, healthService } from './services/health-service.ts';
import { httpService } from './services/http/http-service.ts';
import { processService } from './services/process/process-service.ts';
import { addReflection, REFLECTION_SERVICES } from './services/reflection-service.ts';
import { serverService } from './services/server-service.ts';
import { sessionService } from './services/session-service.ts';
import { tunnelService } from './services/tunnel/tunnel-service.ts';
import { startGuards } from './start-guards.ts';
import { statusHeaders, toStatus } from './status.ts';
import { traceStarts } from './trace-starts.ts';

/** What calls come over, and where they are answered. */
export interface GrpcServer {
  /** Serves a connection, of which {@link connectionOf} knows. */
  take(socket: Socket): void;
  /**
   * Ends the streams about the server itself, lets those of others end for a bounded time, and ends
   * the connections.
   */
  close(): Promise<void>;
}

/** The services that do what clients ask for. */
const SERVICES = [
  SessionService,
  ProcessService,
  FileService,
  HttpService,
  TunnelService,
  ServerService,
];

/** The same with those that say how they are. */
const SHOWN = [...SERVICES, HealthService];

/** The paths of all methods that are served. */
export const SERVED_METHODS: readonly string[] = [...SHOWN, ...REFLECTION_SERVICES].flatMap(
  ({ methods }) => methods.map((method) => methodPath(method)),
);

/** Makes one, with all services, that works with what `core` has. */
export function createGrpcServer(core: Core, options: ServerOptions): GrpcServer {
  const { audit, clock, limits, readiness, sessions, spool } = core;
  const { meter, policy, tracer } = options;
  const grpc = new Server({
    'grpc.max_receive_message_length': limits.maxRequestBytes * OVERSIZE_HEADROOM,
    'grpc.max_send_message_length': -1,
    'grpc.enable_channelz': 0,
    'grpc.max_concurrent_streams': limits.maxConnectionStreams + REFUSED_STREAMS,
    'grpc.keepalive_time_ms': options.keepaliveMs ?? DEFAULT_KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? DEFAULT_KEEPALIVE_TIMEOUT_MS,
  });
  const open = new OpenCalls(clock);
  const edges = callEdges(core, options, audit);
  const interceptors = pipeline({ ...core, logger: options.logger, meter, open, policy, tracer });
  const bridge: BridgeOptions = {
    edges,
    interceptors,
    maxRequestBytes: limits.maxRequestBytes,
    // No map of a request may have more entries than an environment.
    fieldBounds: { mapEntries: MAX_ENV_VARIABLES, fields: MAX_MESSAGE_FIELDS },
    toStatus,
    oversizeError: () => limitExceeded('max_request_bytes', limits.maxRequestBytes),
    decodeError,
  };
  const guardOf = traceStarts(startGuards({ audit, policy }), tracer);
  const health = new Health(SERVICES, readiness);
  addService(grpc, SessionService, sessionService({ sessions, clock, limits, audit }), bridge);
  addService(grpc, ProcessService, processService({ ...core, guardOf }), bridge);
  const admitFiles = filesGuard(policy);
  const sandboxed = sandboxedFiles(core);
  addService(grpc, FileService, fileService({ ...core, admitFiles, sandboxed }), bridge);
  // The time of the network, not of the processes.
  const network = { ...core, clock: idleClock };
  addService(grpc, HttpService, httpService({ ...network, ...core.http }), bridge);
  const tunnelsOf = sessionTunnels();
  addService(grpc, TunnelService, tunnelService({ ...network, tunnelsOf, admitFiles }), bridge);
  const facts = { ...core, keepsFiles: spool !== undefined };
  const lasting = new LastingCalls();
  const ofServer = { ...bridge, interceptors: [...interceptors, lasting.take] };
  addService(grpc, ServerService, serverService(facts), ofServer);
  addService(grpc, HealthService, healthService(health), ofServer);
  addReflection(grpc, SHOWN, ofServer);

  const connections = new Set<Socket>();
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  onStreams(grpc, edges.take, { maxHeaderBytes: limits.maxHeaderBytes });
  return {
    take(socket) {
      connections.add(socket);
      socket.once('close', () => connections.delete(socket));
      keepSocket(socket);
      injector.injectConnection(socket);
    },
    async close() {
      lasting.end();
      await endConnections(grpc, connections, () => open.fail(draining()));
      open.close();
    },
  };
}

function callEdges({ limits }: Core, { logger, meter }: ServerOptions, audit: Audit): CallEdges {
  const logRefused = logRefusals(logger, audit, systemClock);
  const memory = (): CallMemory =>
    new CallMemory({
      maxBytes: CALL_MEMORY_BYTES,
      assuredBytes: ASSURED_CALL_BYTES,
      maxWaitMs: CALL_MEMORY_WAIT_MS,
      clock: systemClock,
    });
  return new CallEdges({
    memory: { received: memory(), answered: memory() },
    maxMessageBytes: limits.maxRequestBytes * OVERSIZE_HEADROOM,
    memoryError: () => limitExceeded('call_memory_bytes', CALL_MEMORY_BYTES),
    statusHeaders,
    connectionOf,
    arrive: takeArrivals({
      services: [...SHOWN, ...REFLECTION_SERVICES],
      onRefused(path, error) {
        // grpc-js answers that there is no such method, and the log has no line of it.
        if (error !== undefined) logRefused(path, error);
        if (meter !== undefined) meterTurnedAway(meter, path, error);
      },
      onFailedLogin: meter && ((kind) => meter.loggedIn(kind, false)),
    }),
  });
}

/**
 * Lets the connections' streams end, for a bounded time, then ends the connections: a client may
 * take what is left of an answer as slowly as it likes. `cut` ends streams before that, so that who
 * reads is told why.
 */
async function endConnections(
  grpc: Server,
  connections: ReadonlySet<Socket>,
  cut: () => void,
): Promise<void> {
  await new Promise<void>((resolve) => {
    // The time of the network, not of the processes.
    let timer = systemClock.setTimer(CLOSE_WAIT_MS, () => {
      timer = systemClock.setTimer(CUT_WAIT_MS, resolve);
      cut();
    });
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
