import type { CallOptions } from '../bridge/types.ts';
import type { Process as ProcessMessage } from '../gen/runlet/v1/process_pb.ts';
import type { SessionAttached, SessionEvent } from '../gen/runlet/v1/session_pb.ts';
import type { Generation } from './generation.ts';

/** Told what happens in a session that a client is attached to. */
export interface SessionListener {
  /** It was attached, for the first time or again: these are its processes now. */
  onAttached(processes: readonly ProcessMessage[]): void;
  /** Something happened since. */
  onEvent(event: SessionEvent['event']): void;
  /** It is over for this client. Called once, and nothing after it. */
  onLost(error: Error): void;
}

/** All processes of a session at the moment of its attachment, those of further pages too. */
export async function listAllProcesses(
  generation: Generation,
  sessionId: string,
  attached: SessionAttached,
  options: CallOptions,
): Promise<readonly ProcessMessage[]> {
  const all = [...attached.processes];
  const { attachmentId, signal } = generation;
  let pageToken = attached.nextPageToken;
  while (pageToken !== '') {
    const page = await generation.control.processes.listProcesses(
      { sessionId, attachmentId, pageToken },
      { ...options, signal },
    );
    all.push(...page.processes);
    pageToken = page.nextPageToken;
  }
  return all;
}
