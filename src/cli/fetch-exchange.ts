import type { RemoteSession } from '../client/index.ts';
import type { FetchRequest } from './fetch-request.ts';

/** What was answered. */
export interface Answer {
  readonly status: number;
  readonly httpVersion: string;
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
  /** Fails where the body is cut. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the exchange: the body is not wanted. */
  cancel(): Promise<void>;
}

/** Sends a request through a session. */
export async function exchange(
  _session: RemoteSession,
  _request: FetchRequest,
  _signal: AbortSignal,
): Promise<Answer> {
  throw new Error('not yet');
}
