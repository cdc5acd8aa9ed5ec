import type { Process } from '../gen/runlet/v1/process_pb.ts';
import type { CallTarget } from './call-attempts.ts';
import { callFailure } from './call-failure.ts';
import type { Generation } from './generation.ts';
import { SandboxError } from './sandbox-error.ts';
import { unlessAborted } from './waiting.ts';

/** What the servers behind connections know of sandboxes. Another connection may lead to another. */
const KNOWN = new WeakMap<Generation, Promise<boolean>>();

/**
 * Makes sure that a server does not leave out the sandbox that it is asked for: one of an earlier
 * version does not know the field. It is asked once for each connection. Whether a server that
 * knows it can enforce it, it says itself.
 *
 * @throws SandboxError
 */
export async function assertKnowsSandboxes({ generation, options }: CallTarget): Promise<void> {
  let asked = KNOWN.get(generation);
  if (asked === undefined) {
    // Who asks first may give up before others do.
    asked = knowsSandboxes(generation, { ...options, signal: generation.signal });
    KNOWN.set(generation, asked);
    asked.catch(() => KNOWN.delete(generation));
  }
  const { signal } = options;
  const knows = await (signal === undefined ? asked : unlessAborted(asked, signal));
  if (knows) return;
  throw new SandboxError(
    'the server is of a version that has no sandboxes, and would do it without one',
  );
}

async function knowsSandboxes(
  { control }: Generation,
  options: CallTarget['options'],
): Promise<boolean> {
  const { capabilities } = await control.server.getServerInfo({}, options);
  return capabilities?.sandbox !== undefined;
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
