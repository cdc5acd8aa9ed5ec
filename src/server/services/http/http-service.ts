import type { ServiceImpl } from '../../../bridge/types.ts';
import type { Clock } from '../../../clock.ts';
import type { HttpService } from '../../../gen/runlet/v1/http_pb.ts';
import type { Limits } from '../../../limits.ts';
import type { Dialer } from '../../../network/dialer.ts';
import type { SessionRegistry } from '../../../session/session-registry.ts';

/** What the service is made with. */
export interface HttpServiceOptions {
  readonly sessions: SessionRegistry;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly limits: Limits;
}

/** `HttpService`: translates requests to exchanges, and nothing more. */
export function httpService(_options: HttpServiceOptions): ServiceImpl<typeof HttpService> {
  return {
    request() {
      throw new Error('to be built');
    },
  };
}
