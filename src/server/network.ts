import { idleClock } from '../clock.ts';
import { type CheckedAddresses, checkedAddresses } from '../network/checked-addresses.ts';
import type { Dialer } from '../network/dialer.ts';
import { directDialer } from '../network/direct-dialer.ts';
import type { Egress } from '../network/egress/egress.ts';
import { egressPolicy } from '../network/egress/egress-policy.ts';
import { type ListenRules, listenRules } from '../network/egress/listen-rules.ts';
import type { HttpConnectorOptions } from '../network/http/connector.ts';
import type { HttpCredentials } from '../network/http/http-credentials.ts';
import { proxyDialer } from '../network/http/proxy-connect.ts';
import { systemLookup } from '../network/lookup.ts';
import { OwnListeners } from '../network/own-listeners.ts';
import { Resolver } from '../network/resolver.ts';
import { poolThreads } from '../process/start-turns.ts';
import type { ServerOptions } from './server-options.ts';

/** How a server reaches what is around it, and lets be reached. */
export interface Network {
  readonly dialer: Dialer;
  readonly egress: Egress;
  /** What looks up and checks where a connection may go that is made in another way. */
  readonly find: CheckedAddresses;
  readonly listenRules: ListenRules;
  readonly own: OwnListeners;
  readonly http: HttpWays;
}

/** How requests of HTTP are sent, beside what all connections have in common. */
export interface HttpWays
  extends Pick<HttpConnectorOptions, 'dialThroughProxy' | 'proxyFor' | 'secureContext'> {
  /** Undefined: there are none. */
  readonly credentials: HttpCredentials | undefined;
  /** Whether any go through a proxy. */
  readonly isProxied: boolean;
}

/**
 * Makes what a server with these options connects with.
 *
 * @param severalPrincipals whether callers can be more than one
 */
export function openNetwork(options: ServerOptions, severalPrincipals: boolean): Network {
  const { allowListen, egressAllow, egressDeny, lookup = systemLookup } = options;
  const own = new OwnListeners();
  const egress = egressPolicy({
    allow: egressAllow,
    deny: egressDeny,
    own: (address, port) => own.isReachedAt(address, port),
  });
  // libuv has no more than half of its threads look names up.
  const atOnce = Math.ceil(poolThreads(process.env) / 2);
  const maxOfPrincipal = severalPrincipals ? Math.max(1, atOnce - 1) : atOnce;
  const resolver = new Resolver({ lookup, maxUnderWay: atOnce, maxOfPrincipal });
  // The time of the network, not of the processes.
  const find = checkedAddresses({ egress, resolver, own });
  const dialer = directDialer({ find, own, clock: idleClock });
  const { httpCredentials, httpProxies, httpTrust: secureContext } = options;
  const http: HttpWays = {
    credentials: httpCredentials,
    secureContext,
    isProxied: httpProxies?.any === true,
    proxyFor: httpProxies?.proxyFor,
    dialThroughProxy: proxyDialer({ find, resolver, clock: idleClock, secureContext }),
  };
  return { dialer, egress, find, listenRules: listenRules(allowListen), own, http };
}
