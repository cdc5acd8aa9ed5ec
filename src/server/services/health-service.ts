import type { DescService } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import type { ServiceImpl } from '../../bridge/types.ts';
import {
  type Health as HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../gen/grpc/health/v1/health_pb.ts';
import { Latch } from '../../latch.ts';
import { PlainError } from '../status.ts';

/** Whether calls are taken: of the server as a whole, and of each service, which is the same. */
export class Health {
  readonly names: ReadonlySet<string>;
  /** Opens when nothing is served any more. */
  readonly stopped = new Latch();

  constructor(services: readonly DescService[]) {
    this.names = new Set(['', ...services.map((service) => service.typeName)]);
  }
}

/**
 * `grpc.health.v1.Health`, as
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md defines it.
 */
export function healthService(health: Health): ServiceImpl<typeof HealthService> {
  const now = (): { status: ServingStatus } => ({
    status: health.stopped.isOpen ? ServingStatus.NOT_SERVING : ServingStatus.SERVING,
  });
  return {
    check({ service }) {
      if (!health.names.has(service)) {
        throw new PlainError(status.NOT_FOUND, 'no service of this name is known');
      }
      return now();
    },
    list() {
      return { statuses: Object.fromEntries([...health.names].map((name) => [name, now()])) };
    },
    async *watch({ service }, { signal }) {
      if (health.names.has(service)) {
        const first = now();
        yield first;
        // It may have been stopped while that was sent.
        const served = first.status === ServingStatus.SERVING;
        if (served && (await health.stopped.wait(signal))) yield now();
      } else {
        yield { status: ServingStatus.SERVICE_UNKNOWN };
      }
      // The client ends it.
      await new Latch().wait(signal);
    },
  };
}
