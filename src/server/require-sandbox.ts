import { RunletError } from '../errors.ts';
import { type Sandbox, SandboxNetwork } from '../gen/runlet/v1/sandbox_pb.ts';
import { sandboxUnavailable } from '../sandbox/sandbox-failure.ts';
import type { Sandboxes } from '../sandbox/sandboxes.ts';

/**
 * Refuses what comes without a sandbox, where one is required.
 *
 * @throws RunletError `SANDBOX_REQUIRED`
 */
export function assertSandboxed(sandbox: unknown, required: boolean): void {
  if (required && sandbox === undefined) throw new RunletError('SANDBOX_REQUIRED');
}

/**
 * Refuses what comes with a sandbox: for what of it cannot be enforced here, or since nothing
 * starts in one so far.
 *
 * @throws RunletError `SANDBOX_UNAVAILABLE`
 */
export async function refuseSandbox(
  sandbox: Sandbox | undefined,
  { mechanism }: Pick<Sandboxes, 'mechanism'>,
): Promise<void> {
  if (sandbox === undefined) return;
  await mechanism(sandbox.network === SandboxNetwork.HOST ? 'host' : 'none');
  throw sandboxUnavailable('mechanism', '', 'this server has no sandboxes');
}
