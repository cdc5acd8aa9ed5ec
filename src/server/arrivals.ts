import type { DescService } from '@bufbuild/protobuf';
import type { ArrivingCall } from '../bridge/call-edges.ts';
import { methodPath } from '../bridge/types.ts';
import { limitExceeded, RunletError } from '../errors.ts';
import type { Identity } from '../identity/authenticator.ts';
import { MAX_HEALTH_CALLS, MAX_UNKNOWN_CALLS } from '../limits.ts';
import { identify, type OnFailure, unauthenticated } from './admission.ts';
import { acceptedConnection } from './connection.ts';
import type { Visit } from './door.ts';
import { type MethodNeeds, needsOf } from './method-grants.ts';

/** How {@link takeArrivals} takes calls. */
export interface ArrivalsOptions {
  /** Those that are served. */
  readonly services: readonly DescService[];
  /**
   * Told of a call that is refused here, which nobody else sees; `error`: undefined: there is no
   * such method.
   */
  readonly onRefused: (path: string, error: unknown) => void;
  /** Told of a caller that is not let in. Default: nobody is. */
  readonly onFailedLogin?: OnFailure | undefined;
}

/**
 * Finds out who makes a call when its headers are there, so that nothing is read of the body of
 * one whose caller is not let in. What it finds goes with the call, for `admitCalls`.
 *
 * It throws RunletError `UNAUTHENTICATED`, `INVALID_REQUEST` where a header is not valid, and `LIMIT_EXCEEDED` where a connection on which nobody
 * was let in has too many calls under way.
 */
export function takeArrivals({
  services,
  onFailedLogin,
  onRefused,
}: ArrivalsOptions): (call: ArrivingCall) => Identity | undefined | Promise<Identity> {
  const needs = new Map<string, MethodNeeds>(
    services.flatMap(({ methods }) => methods.map((each) => [methodPath(each), needsOf(each)])),
  );
  return (call) => {
    const visit = acceptedConnection(call)?.visit;
    const refused = (error: unknown): never => {
      visit?.refuse(call.leave);
      onRefused(call.path ?? '', error);
      throw error;
    };
    const needed = needs.get(call.path ?? '');
    // grpc-js answers that there is no such method.
    if (needed === undefined) {
      visit?.refuse(call.leave);
      onRefused(call.path ?? '', undefined);
      return undefined;
    }
    try {
      if (!call.hasValidTime) throw invalidTime();
      if (needed === 'nothing') return beginHealth(visit, call);
      const found = identify(call, onFailedLogin);
      if (!(found instanceof Promise)) {
        visit?.admit();
        return found;
      }
      return waitFor(found, visit, call).catch(refused);
    } catch (error) {
      return refused(error);
    }
  };
}

function invalidTime(): RunletError {
  return new RunletError('INVALID_REQUEST', { message: 'the header grpc-timeout is not valid' });
}

function beginHealth(visit: Visit | undefined, call: ArrivingCall): undefined {
  if (visit === undefined) throw unauthenticated('a connection that nobody has accepted');
  if (!visit.begin('health')) throw limitExceeded('health_calls', MAX_HEALTH_CALLS);
  call.onClose(() => visit.end('health'));
}

async function waitFor(
  found: Promise<Identity>,
  visit: Visit | undefined,
  call: ArrivingCall,
): Promise<Identity> {
  // It fails when there is nobody to be told any more, too.
  found.catch(() => {});
  if (visit?.begin('unknown') === false) throw limitExceeded('unknown_calls', MAX_UNKNOWN_CALLS);
  call.onClose(() => visit?.end('unknown'));
  const identity = await found;
  visit?.admit();
  return identity;
}
