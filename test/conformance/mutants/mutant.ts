import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, Metadata, Server, ServerCredentials, type StatusObject } from '@grpc/grpc-js';
import { type Address, formatAddress } from '../../../src/address.ts';
import { addService, type BridgeOptions } from '../../../src/bridge/add-service.ts';
import type { ServiceImpl } from '../../../src/bridge/types.ts';
import { isCallError } from '../../../src/client/call-error.ts';
import { openConnection } from '../../../src/client/connection.ts';
import { Health as HealthService } from '../../../src/gen/grpc/health/v1/health_pb.ts';
import { FileService } from '../../../src/gen/runlet/v1/file_pb.ts';
import { HttpService } from '../../../src/gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../../../src/gen/runlet/v1/process_pb.ts';
import { ServerService } from '../../../src/gen/runlet/v1/server_pb.ts';
import { SessionService } from '../../../src/gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { Readiness } from '../../../src/server/readiness.ts';
import { decodeError } from '../../../src/server/requests/decode-error.ts';
import { Health, healthService } from '../../../src/server/services/health-service.ts';
import { toStatus } from '../../../src/server/status.ts';
import { forwarding, SERVICES, type Services } from './services.ts';

/** A server with one fault. */
export interface Mutant {
  /** What it does wrong, as a sentence without a period. */
  readonly fault: string;
  /** The checks that find it; no others do but those of `also` and `perhaps`. */
  readonly fails: readonly string[];
  /** Checks that find it beside their own matter, many by never coming to an end. Default: none. */
  readonly also?: readonly string[];
  /** Checks that find it or not, as the machine has things come. Default: none. */
  readonly perhaps?: readonly string[];
  /** The methods with the fault, made of those without. Default: these. */
  readonly mutate?: (real: Services) => Services;
  /** What its health service says. Default: true. */
  readonly serving?: boolean;
  /** How the server behind it starts processes. Default: the best way. */
  readonly launcher?: 'child_process';
  /** Whether files are confined by the server behind it. Default: they are not. */
  readonly roots?: true;
}

/** A mutant that runs. */
export interface RunningMutant {
  readonly address: Address;
  connect(): Client;
  stop(): Promise<void>;
}

const METADATA = 'grpc-status-details-bin';

/** Larger than any request of the checks: the limit is for the server behind to enforce. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

/** Starts a mutant in front of a server. */
export async function startMutant(mutant: Mutant, upstream: Address): Promise<RunningMutant> {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-mutant-'));
  const address: Address = { kind: 'unix', path: join(folder, 'm.sock') };
  const connection = openConnection(upstream);
  const real = forwarding(connection);
  const services = mutant.mutate?.(real) ?? real;
  const grpc = new Server({
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.enable_channelz': 0,
  });
  const options: BridgeOptions = {
    maxRequestBytes: MAX_REQUEST_BYTES,
    toStatus: passedOn,
    oversizeError: () => new Error('more than any check sends'),
    decodeError,
  };
  addService(grpc, SessionService, services as ServiceImpl<typeof SessionService>, options);
  addService(grpc, ProcessService, services as ServiceImpl<typeof ProcessService>, options);
  addService(grpc, FileService, services as ServiceImpl<typeof FileService>, options);
  addService(grpc, HttpService, services as ServiceImpl<typeof HttpService>, options);
  addService(grpc, TunnelService, services as ServiceImpl<typeof TunnelService>, options);
  addService(grpc, ServerService, services as ServiceImpl<typeof ServerService>, options);
  const readiness = new Readiness();
  const health = new Health(SERVICES, readiness);
  addService(grpc, HealthService, healthService(health), options);
  if (mutant.serving === false) readiness.set('draining', true);
  await new Promise<void>((resolve, reject) => {
    grpc.bindAsync(formatAddress(address), ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  return {
    address,
    connect: () => openConnection(address),
    stop: async () => {
      grpc.forceShutdown();
      connection.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The status of the server behind as it is; that of an error of the mutant's own as a server makes it. */
function passedOn(error: unknown): Partial<StatusObject> {
  if (!isCallError(error)) return toStatus(error);
  const { code, details } = error;
  const metadata = new Metadata();
  for (const value of error.metadata.get(METADATA)) metadata.set(METADATA, value);
  return { code, details, metadata };
}
