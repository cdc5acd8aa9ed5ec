import type { Process } from '../gen/runlet/v1/process_pb.ts';
import type { CallTarget } from './call-attempts.ts';
import { callFailure } from './call-failure.ts';
import { SandboxError } from './sandbox-error.ts';
import { serverCapabilities } from './server-capabilities.ts';

/**
 * Makes sure that a server does not leave out the sandbox that it is asked for: one of an earlier
 * version does not know the field. It is asked once for each connection. Whether a server that
 * knows it can enforce it, it says itself.
 *
 * @throws SandboxError
 */
export async function assertKnowsSandboxes(target: CallTarget): Promise<void> {
  const capabilities = await serverCapabilities(target);
  if (capabilities?.sandbox !== undefined) return;
  throw new SandboxError(
    'the server is of a version that has no sandboxes, and would do it without one',
  );
}

/**
 * Makes sure that a process which was to be in a sandbox is in one: one that is not is killed.
 *
 * @throws SandboxError; what ends the call, which may be repeated
 */
export async function assertInSandbox(
  { generation, ids, options }: CallTarget,
  process: Process | undefined,
): Promise<void> {
  if (process === undefined || process.sandbox !== '') return;
  const { processId } = process;
  const request = { ...ids, processId, grace: {} };
  try {
    await generation.control.processes.terminateProcess(request, options);
  } catch (error) {
    const failure = callFailure(error);
    if (failure.kind === 'connection' || failure.kind === 'unreachable') throw error;
    const message = `the server started ${processId} without its sandbox, and did not end it: ${failure.error.message}`;
    throw new SandboxError(message, failure.error);
  }
  throw new SandboxError(`the server started ${processId} without its sandbox; it was ended`);
}
