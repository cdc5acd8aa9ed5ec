import type { Process as ProcessMessage } from '../gen/runlet/v1/process_pb.ts';
import type { SessionEvent } from '../gen/runlet/v1/session_pb.ts';

/** Told what happens in a session that a client is attached to. */
export interface SessionListener {
  /** It was attached, for the first time or again: these are its processes now. */
  onAttached(processes: readonly ProcessMessage[]): void;
  /** Something happened since. */
  onEvent(event: SessionEvent['event']): void;
  /** It is over for this client. Called once, and nothing after it. */
  onLost(error: Error): void;
}
