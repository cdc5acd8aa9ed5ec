import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Clock } from '../clock.ts';
import { limitExceeded } from '../errors.ts';
import {
  type SessionEvent as SessionEventMessage,
  SessionEventSchema,
} from '../gen/runlet/v1/session_pb.ts';
import type { SessionEvent } from '../session/session-event.ts';
import { processMessage } from './messages.ts';

type EventCase = NonNullable<MessageInitShape<typeof SessionEventSchema>['event']>;

/** How a stream is made. */
export interface SessionStreamOptions {
  readonly sessionId: string;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  /** Events that may wait for the client. */
  readonly maxQueued: number;
  /** Called once if more than that wait. */
  readonly onOverflow: (error: Error) => void;
}

/**
 * What waits to be sent to an attached client: events as they were when they
 * happened, and a heartbeat where there were none for a while.
 */
export class SessionStream {
  readonly #options: SessionStreamOptions;
  #queue: SessionEventMessage[] = [];
  #wake: (() => void) | undefined;

  constructor(options: SessionStreamOptions) {
    this.#options = options;
  }

  /** Adds an event. */
  push(event: SessionEvent): void {
    const { maxQueued, onOverflow, sessionId } = this.#options;
    if (this.#queue.length >= maxQueued) {
      this.#queue = [];
      onOverflow(limitExceeded('max_queued_session_events', maxQueued));
      return;
    }
    this.#queue.push(create(SessionEventSchema, { event: eventCase(sessionId, event) }));
    this.#wake?.();
  }

  /** The events in order, and heartbeats, until the signal aborts. */
  async *follow(signal: AbortSignal): AsyncGenerator<SessionEventMessage> {
    while (!signal.aborted) {
      const next = this.#queue.shift();
      if (next !== undefined) yield next;
      else if (await this.#silence(signal)) yield HEARTBEAT;
    }
  }

  /** Waits for an event, the signal, or the time of a heartbeat; true for the last. */
  #silence(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (silent: boolean): void => {
        timer.cancel();
        signal.removeEventListener('abort', wake);
        this.#wake = undefined;
        resolve(silent);
      };
      const wake = (): void => settle(false);
      const timer = this.#options.clock.setTimer(this.#options.heartbeatMs, () => settle(true));
      this.#wake = wake;
      signal.addEventListener('abort', wake);
    });
  }
}

const HEARTBEAT = create(SessionEventSchema, { event: { case: 'heartbeat', value: {} } });

function eventCase(sessionId: string, event: SessionEvent): EventCase {
  switch (event.kind) {
    case 'process-started':
      return {
        case: 'processStarted',
        value: { process: processMessage(sessionId, event.process) },
      };
    case 'process-exited':
      return {
        case: 'processExited',
        value: { process: processMessage(sessionId, event.process) },
      };
    case 'process-closed':
      return {
        case: 'processClosed',
        value: { process: processMessage(sessionId, event.process) },
      };
    case 'process-evicted':
      return { case: 'processEvicted', value: { processId: event.processId } };
    case 'draining':
      return { case: 'draining', value: {} };
  }
}
