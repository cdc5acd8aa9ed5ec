import type { ServiceImpl } from '../../../bridge/types.ts';
import type { Clock } from '../../../clock.ts';
import type { HttpService } from '../../../gen/runlet/v1/http_pb.ts';
import type { Limits } from '../../../limits.ts';
import type { Dialer } from '../../../network/dialer.ts';
import { type HttpConnectorOptions, httpConnector } from '../../../network/http/connector.ts';
import type { HttpCredentials } from '../../../network/http/http-credentials.ts';
import { HttpExchanges } from '../../../network/http/http-exchanges.ts';
import type { SessionRegistry } from '../../../session/session-registry.ts';
import { request } from './request.ts';

/** What the service is made with. */
export interface HttpServiceOptions
  extends Pick<HttpConnectorOptions, 'dialThroughProxy' | 'proxyFor' | 'secureContext'> {
  readonly sessions: SessionRegistry;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Those of the operator. Default: none. */
  readonly credentials?: HttpCredentials | undefined;
}

/** The methods of the service with some names. */
export type HttpMethods<K extends keyof ServiceImpl<typeof HttpService>> = Pick<
  ServiceImpl<typeof HttpService>,
  K
>;

/** `HttpService`: translates requests to exchanges, and nothing more. */
export function httpService(options: HttpServiceOptions): ServiceImpl<typeof HttpService> {
  const exchanges = new HttpExchanges(httpConnector(options), options.clock);
  return { ...request(options, exchanges) };
}
