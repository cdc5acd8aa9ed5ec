import type { Asker } from '../turn-queue.ts';
import { DialError, type DialStage } from './dial-error.ts';
import { type DialTarget, targetText } from './dial-target.ts';
import type { Egress } from './egress/egress.ts';
import { reachedAddress } from './egress/reached-address.ts';
import { canonicalHost } from './host-name.ts';
import { parseIp } from './ip-address.ts';
import type { OwnListeners } from './own-listeners.ts';
import type { Resolver } from './resolver.ts';

/** Who asks, and until when. */
export interface CheckOptions {
  readonly asker: Asker;
  /** Gives up, at once. */
  readonly signal: AbortSignal;
}

/**
 * Looks up a target, and asks whether what it leads to may be reached: returns the addresses, at
 * least one, that a connection may go to, and never again to the name.
 *
 * @throws DialError `RESOLVE`, `DENIED`; the signal's reason; RunletError `LIMIT_EXCEEDED`
 */
export type CheckedAddresses = (
  target: DialTarget,
  options: CheckOptions,
) => Promise<readonly string[]>;

/** What they are found with. */
export interface CheckedAddressesOptions {
  readonly egress: Egress;
  readonly resolver: Resolver;
  /** Where the server listens. Nothing is found before that is known. */
  readonly own: OwnListeners;
}

/** What finds them in the server's own network. */
export function checkedAddresses({
  egress,
  own,
  resolver,
}: CheckedAddressesOptions): CheckedAddresses {
  return async (target, { asker, signal }) => {
    await own.whenKnown(signal);
    signal.throwIfAborted();
    const { port } = target;
    const host = canonicalHost(target.host);
    if (host === undefined) throw dialFailure(target, 'RESOLVE', 'ENOTFOUND', 'this is no name:');
    assertAllowed(target, egress.deniesName({ host, port }));
    const found =
      parseIp(host) === undefined
        ? await lookedUp(target, () => resolver.resolve(host, asker, signal))
        : [host];
    // All of them before the first is connected to: nobody finds out by a name with several which
    // of them may be reached.
    for (const address of found) assertAllowed(target, egress.denies({ host, port }, address));
    return [...new Set(found.map(reachedAddress))];
  };
}

async function lookedUp(
  target: DialTarget,
  resolve: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  try {
    const found = await resolve();
    if (found.length > 0) return found;
  } catch (error) {
    if (!isOfLookup(error)) throw error;
    throw dialFailure(target, 'RESOLVE', codeOf(error), 'could not find');
  }
  throw dialFailure(target, 'RESOLVE', 'ENOTFOUND', 'could not find');
}

/** An error of getaddrinfo(3), as Node.js tells it. */
function isOfLookup(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/** @throws DialError `DENIED` where there is a rule, which the operator alone is told */
export function assertAllowed(target: DialTarget, rule: string | undefined): void {
  if (rule === undefined) return;
  const text = targetText(target);
  const message = `${text} may not be reached`;
  throw new DialError({ stage: 'DENIED', errnoName: '', message, target: text, rule });
}

/** What failed of a connection: a problem that ends where the target follows. */
export function dialFailure(
  target: DialTarget,
  stage: DialStage,
  errnoName: string,
  problem: string,
): DialError {
  const text = targetText(target);
  return new DialError({ stage, errnoName, message: `${problem} ${text}`, target: text, rule: '' });
}

/** What the system or Node.js calls an error; empty: nothing. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
