import type { ArrivingCall } from '../bridge/call-edges.ts';
import type { Interceptor } from '../bridge/interceptor.ts';
import type { Clock } from '../clock.ts';
import { RunletError } from '../errors.ts';
import type { Authenticator, Credentials, Identity } from '../identity/authenticator.ts';
import type { AuthKind } from '../identity/principal.ts';
import type { LivePolicy } from '../policy/live-policy.ts';
import { setCaller } from './caller.ts';
import { acceptedConnection } from './connection.ts';
import { assertGranted, needsOf } from './method-grants.ts';
import { isGood, type OpenCalls } from './open-calls.ts';

/** The scheme of a header `authorization` that has a token: RFC 6750, section 2.1. */
const BEARER = /^bearer +(?<token>[^ ]+) *$/i;

/**
 * Lets a call in whose caller is known and is granted it. Both are looked at before anything that
 * the request names; who it is was found out when the headers of the call were there.
 */
export function admitCalls(
  open: OpenCalls,
  clock: Clock,
  policy: LivePolicy | undefined,
): Interceptor {
  return (method, context, next) => {
    const needs = needsOf(method);
    if (needs === 'nothing') return next();
    const identity = context.arrival as Identity | undefined;
    if (identity === undefined) throw unauthenticated('a call whose headers nobody has looked at');
    if (!isGood(identity, clock.now())) throw unauthenticated('the credentials are over');
    const principal = policy?.bound(identity.principal) ?? identity.principal;
    setCaller(context, principal);
    if (needs !== 'caller') assertGranted(principal, needs);
    open.add(identity, context);
    return next();
  };
}

/** What is known of a call when its headers are there. */
export type KnownCall = Pick<ArrivingCall, 'authorization' | 'peer'>;

/** Told of the kind of credentials that were wrong; `other`: of none that the listener takes. */
export type OnFailure = (kind: AuthKind | 'other') => void;

/**
 * Who makes a call: whoever the first says that knows these credentials. `failed` is told where
 * nobody does.
 *
 * @throws RunletError `UNAUTHENTICATED`
 */
export function identify(
  call: KnownCall,
  failed: OnFailure = () => {},
): Identity | Promise<Identity> {
  const connection = acceptedConnection(call);
  if (connection === undefined) throw unauthenticated('a connection that nobody has accepted');
  const bearer = BEARER.exec(call.authorization ?? '')?.groups?.['token'];
  const { authenticators } = connection;
  // What a call says of itself is right or wrong: a wrong one is not let in by its connection.
  const takers = call.authorization === undefined ? [] : authenticators.filter(takesBearers);
  return ask(takers.length > 0 ? takers : authenticators, { connection, bearer }, 0, failed);
}

function takesBearers({ kind }: Authenticator): boolean {
  return kind === 'token' || kind === 'jwt';
}

function ask(
  authenticators: readonly Authenticator[],
  credentials: Credentials,
  first: number,
  failed: OnFailure,
): Identity | Promise<Identity> {
  for (const [i, authenticator] of authenticators.entries()) {
    if (i < first) continue;
    const wrong = (error: unknown): never => {
      // One that nobody had the time to look at may be right.
      if (error instanceof RunletError && error.reason === 'UNAUTHENTICATED') {
        failed(authenticator.kind);
      }
      throw error;
    };
    const found = tried(() => authenticator.identify(credentials), wrong);
    // Most know at once, and their calls begin in this turn of the event loop.
    if (found instanceof Promise) {
      return found
        .catch(wrong)
        .then((identity) => identity ?? ask(authenticators, credentials, i + 1, failed));
    }
    if (found !== undefined) return found;
  }
  failed('other');
  throw unauthenticated('no credentials of a kind that the listener takes');
}

function tried<T>(find: () => T, wrong: (error: unknown) => never): T {
  try {
    return find();
  } catch (error) {
    return wrong(error);
  }
}

/** `why` is for the log alone. */
export function unauthenticated(why: string): RunletError {
  return new RunletError('UNAUTHENTICATED', { cause: why });
}
