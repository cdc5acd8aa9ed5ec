import type { Interceptor } from '../bridge/interceptor.ts';
import { limitExceeded } from '../errors.ts';
import type { PrincipalLimits } from '../policy/principal-limits.ts';
import { Tally } from '../policy/tally.ts';
import { callerOf } from './caller.ts';
import { acceptedConnection } from './connection.ts';
import { needsOf } from './method-grants.ts';

/**
 * Bounds the calls under way of one connection, whoever makes them. A client that keeps to what
 * HTTP/2 tells it of the number of streams comes hardly beyond; that it does is known by an error.
 */
export function boundConnectionCalls(maximum: number): Interceptor {
  const underWay = new WeakMap<object, number>();
  return (_method, context, next) => {
    const connection = acceptedConnection(context);
    if (connection !== undefined) {
      const count = underWay.get(connection) ?? 0;
      if (count >= maximum) throw limitExceeded('max_connection_streams', maximum);
      underWay.set(connection, count + 1);
      context.defer(() => underWay.set(connection, (underWay.get(connection) ?? 1) - 1));
    }
    return next();
  };
}

/**
 * Bounds the calls under way of each principal, over all of its connections: to be passed when
 * it is known who calls. `underWay` counts them.
 */
export function boundPrincipalCalls(limits: PrincipalLimits, underWay = new Tally()): Interceptor {
  return (method, context, next) => {
    // Nobody was asked who makes such a call.
    if (needsOf(method) === 'nothing') return next();
    const { name } = callerOf(context);
    const { maxPrincipalStreams } = limits.of(name);
    if (underWay.of(name) >= maxPrincipalStreams) {
      throw limitExceeded('max_principal_streams', maxPrincipalStreams);
    }
    underWay.add(name, 1);
    context.defer(() => underWay.remove(name, 1));
    return next();
  };
}
