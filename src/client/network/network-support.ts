import type { CallTarget } from '../call-attempts.ts';
import { RunletClientError } from '../client-error.ts';
import { serverCapabilities } from '../server-capabilities.ts';

/**
 * Makes sure that a server has HTTP, or tunnels: one of an earlier version has neither, and is not
 * asked for what it would not know.
 *
 * @throws RunletClientError `NOT_SUPPORTED`
 *
 * @internal
 */
export async function assertHasNetwork(
  what: 'http' | 'tunnels',
  target: CallTarget,
): Promise<void> {
  const capabilities = await serverCapabilities(target);
  if (capabilities?.[what]?.supported) return;
  const name = what === 'http' ? 'HTTP' : 'tunnels';
  throw new RunletClientError('NOT_SUPPORTED', `the server is of a version that has no ${name}`);
}
