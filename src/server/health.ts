import type { DescService } from '@bufbuild/protobuf';
import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/** The standard health service: for the server as a whole, and for each service. */
export interface Health {
  /** Says that nothing is served any more. */
  stopServing(): void;
}

/** Adds `grpc.health.v1.Health`, which answers SERVING from now on. */
export function addHealth(server: Server, services: readonly DescService[]): Health {
  const names = ['', ...services.map((service) => service.typeName)];
  const health = new HealthImplementation(
    Object.fromEntries(names.map((name) => [name, 'SERVING'] as const)),
  );
  health.addToServer(server);
  return {
    stopServing: () => {
      for (const name of names) health.setStatus(name, 'NOT_SERVING');
    },
  };
}
