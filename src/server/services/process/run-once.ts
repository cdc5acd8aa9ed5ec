import type { CallContext } from '../../../bridge/call-context.ts';
import { RunletError } from '../../../errors.ts';
import { CLOSE_WAIT_MS, DEFAULT_GRACE_MS, type Limits } from '../../../limits.ts';
import type { Process } from '../../../process/process.ts';
import type { ProcessHost } from '../../../process/process-host.ts';
import type { ProcessSpec } from '../../../process/process-spec.ts';
import { callerOf } from '../../caller.ts';
import { followEvents } from '../../event-stream.ts';
import type { GuardOf } from '../../start-guards.ts';

/** What a run needs of the server. */
export interface RunOptions {
  readonly host: ProcessHost;
  readonly limits: Limits;
  readonly newId: () => string;
  /** Says what a call may start. */
  readonly guardOf: GuardOf;
}

/** Never aborts: what is written to stdin is not tied to a call of its own. */
const NEVER = new AbortController().signal;

/**
 * Runs a process that belongs to its call, and yields its events to the end. If
 * the call ends first, so does the process.
 */
export async function* runOnce(
  spec: ProcessSpec,
  stdin: Uint8Array,
  context: CallContext,
  { guardOf, host, limits, newId }: RunOptions,
): AsyncGenerator<Uint8Array> {
  const { signal } = context;
  const withStdin: ProcessSpec = stdin.byteLength > 0 ? { ...spec, stdin: 'pipe' } : spec;
  const process = await host.start({
    id: newId(),
    owner: '',
    principal: callerOf(context).name,
    asker: context.peer,
    spec: withStdin,
    guard: guardOf(context),
    readOnce: true,
    assertWanted: () => signal.throwIfAborted(),
  });
  let over = false;
  const end = (): void => {
    if (!over) void endRun(process, host);
    over = true;
  };
  // Not only when the next event would be sent: there may be none for long.
  signal.addEventListener('abort', end);
  context.annotate({ processId: process.id });
  context.sendHeaders();
  if (withStdin.stdin === 'pipe') feed(process, stdin, context);
  try {
    yield* followEvents(process.openCursor(0), signal, limits.heartbeatMs);
  } finally {
    signal.removeEventListener('abort', end);
    if (process.closed.isOpen) host.releaseAndEnd(process);
    else end();
  }
}

/** Writes all of stdin. A process that does not read it to the end is no error. */
function feed(process: Process, data: Uint8Array, context: CallContext): void {
  process.writeStdin({ offset: undefined, data, eof: true }, NEVER).catch((error: unknown) => {
    if (!(error instanceof RunletError)) throw error;
    // It would run with other input than it was given.
    if (error.reason === 'LIMIT_EXCEEDED') context.fail(error);
  });
}

/** Never rejects. */
async function endRun(process: Process, host: ProcessHost): Promise<void> {
  process.abandon();
  await process.terminate('call-cancelled', DEFAULT_GRACE_MS);
  await host.closeOut(process, CLOSE_WAIT_MS);
  host.release(process);
}
