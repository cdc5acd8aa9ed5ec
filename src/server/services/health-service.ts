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
  readonly #stopped = new Latch();

  constructor(services: readonly DescService[]) {
    this.names = new Set(['', ...services.map((service) => service.typeName)]);
  }

  /** Whether they are taken. */
  get serving(): boolean {
    return !this.#stopped.isOpen;
  }

  /** Says that nothing is served any more. */
  stopServing(): void {
    this.#stopped.open();
  }

  /** Resolves when nothing is served any more, or when the signal aborts. */
  async stoppedOr(signal: AbortSignal): Promise<void> {
    await this.#stopped.wait(signal);
  }
}

/**
 * `grpc.health.v1.Health`, as
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md defines it.
 */
export function healthService(health: Health): ServiceImpl<typeof HealthService> {
  const now = (): { status: ServingStatus } => ({
    status: health.serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING,
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
      if (!health.names.has(service)) {
        yield { status: ServingStatus.SERVICE_UNKNOWN };
        await aborted(signal);
        return;
      }
      const first = now();
      yield first;
      if (first.status === ServingStatus.SERVING) {
        await health.stoppedOr(signal);
        if (!signal.aborted) yield now();
      }
      await aborted(signal);
    },
  };
}

/** Resolves when a signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
