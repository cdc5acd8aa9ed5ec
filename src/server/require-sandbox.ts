import { RunletError } from '../errors.ts';

/**
 * Refuses what comes without a sandbox, where one is required.
 *
 * @throws RunletError `SANDBOX_REQUIRED`
 */
export function assertSandboxed(sandbox: unknown, required: boolean): void {
  if (required && sandbox === undefined) throw new RunletError('SANDBOX_REQUIRED');
}
