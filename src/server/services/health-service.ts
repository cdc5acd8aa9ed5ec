import type { DescService } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import type { ServiceImpl } from '../../bridge/types.ts';
import {
  type Health as HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../gen/grpc/health/v1/health_pb.ts';
import { SessionService } from '../../gen/runlet/v1/session_pb.ts';
import { Latch } from '../../latch.ts';
import type { Readiness } from '../readiness.ts';
import { PlainError } from '../status.ts';

/** The services that new work comes to first: without a session nothing else is asked for. */
const ENTRANCES: ReadonlySet<string> = new Set(['', SessionService.typeName]);

/**
 * Whether calls are to come: for the server as a whole, which has the empty name, and for sessions
 * as it is ready for new work; for the other services until it shuts down, since what there is in
 * its sessions goes on.
 */
export class Health {
  readonly names: ReadonlySet<string>;
  readonly #readiness: Readiness;

  constructor(services: readonly DescService[], readiness: Readiness) {
    this.names = new Set(['', ...services.map((service) => service.typeName)]);
    this.#readiness = readiness;
  }

  /** What is said of one of `names`. */
  statusOf(name: string): ServingStatus {
    const { ready, reasons } = this.#readiness.current;
    const serves = ENTRANCES.has(name) ? ready : !reasons.includes('draining');
    return serves ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  /** Resolves when another status holds for a name, to true; to false if the signal aborts before. */
  async changed(name: string, from: ServingStatus, signal: AbortSignal): Promise<boolean> {
    const change = new Latch();
    const look = (): void => {
      if (this.statusOf(name) !== from) change.open();
    };
    const leave = this.#readiness.follow(look);
    try {
      look();
      return await change.wait(signal);
    } finally {
      leave();
    }
  }
}

/**
 * `grpc.health.v1.Health`, as
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md defines it.
 */
export function healthService(health: Health): ServiceImpl<typeof HealthService> {
  return {
    check({ service }) {
      if (!health.names.has(service)) {
        throw new PlainError(status.NOT_FOUND, 'no service of this name is known');
      }
      return { status: health.statusOf(service) };
    },
    list() {
      const statuses = [...health.names].map((name) => [name, { status: health.statusOf(name) }]);
      return { statuses: Object.fromEntries(statuses) };
    },
    async *watch({ service }, { signal }) {
      if (!health.names.has(service)) {
        yield { status: ServingStatus.SERVICE_UNKNOWN };
        // The client ends it.
        await new Latch().wait(signal);
        return;
      }
      let told: ServingStatus;
      do {
        told = health.statusOf(service);
        yield { status: told };
        // It may have changed while that was sent.
      } while (await health.changed(service, told, signal));
    },
  };
}
