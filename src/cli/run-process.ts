import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceClient } from '../bridge/types.ts';
import { type ExitStatus, OutputStream, type ProcessEvent } from '../gen/runlet/v1/event_pb.ts';
import type {
  ProcessService,
  ProcessSpec,
  ProcessSpecSchema,
} from '../gen/runlet/v1/process_pb.ts';
import { openStandardOutput, type StandardOutput } from './standard-output.ts';

/** How a process ended. Signals are numbered as Linux does. */
export type RunStatus = { readonly code: number } | { readonly signal: number };

/** Names the process, which is not started yet, in every call. */
export interface RunTarget {
  readonly sessionId: string;
  readonly processId: string;
}

/** What to start, but for how it is joined to us. */
export type RunSpec = Exclude<MessageInitShape<typeof ProcessSpecSchema>, ProcessSpec>;

/**
 * Starts a process that is joined to our standard streams, and resolves when it is
 * closed. `onStarted` is called when it can be sent signals.
 */
export type RunProcess = (
  processes: ServiceClient<typeof ProcessService>,
  target: RunTarget,
  spec: RunSpec,
  onStarted: () => void,
) => Promise<RunStatus>;

/** What is done when a process comes so far. */
export interface RunHooks {
  readonly onStarted: () => void;
  readonly onExited?: () => void;
}

/**
 * Follows a process from its first event to its last, and copies its output to our
 * standard streams, no faster than ours is read.
 */
export async function followProcess(
  responses: AsyncIterable<{ readonly events: readonly ProcessEvent[] }>,
  { onExited, onStarted }: RunHooks,
): Promise<RunStatus> {
  const stdout = openStandardOutput(1);
  const outputs: Partial<Record<OutputStream, StandardOutput>> = {
    [OutputStream.STDOUT]: stdout,
    [OutputStream.STDERR]: openStandardOutput(2),
    [OutputStream.TERMINAL]: stdout,
  };
  let status: RunStatus | undefined;
  for await (const { events } of responses) {
    for (const { event } of events) {
      if (event.case === 'started') {
        onStarted();
      } else if (event.case === 'output') {
        await outputs[event.value.stream]?.write(event.value.data);
      } else if (event.case === 'exited') {
        status = statusOf(event.value.status);
        onExited?.();
      }
    }
  }
  if (status === undefined) throw new Error('the process was closed without an exit');
  return status;
}

function statusOf(status: ExitStatus | undefined): RunStatus {
  const how = status?.status;
  if (how?.case === 'signal') return { signal: how.value };
  if (how?.case === 'code') return { code: how.value };
  throw new Error('the server said nothing of how the process ended');
}
