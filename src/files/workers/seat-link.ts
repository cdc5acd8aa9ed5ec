import type { AgentAnswer, AgentRequest } from '../agent/messages.ts';

/** What a seat is told by that which does its steps. */
export interface SeatEvents {
  /** It can be asked from here on: before all else. */
  onReady(): void;
  /** The step that was asked for is done. */
  onAnswer(answer: AgentAnswer): void;
  /** It is no more. */
  onEnd(error: unknown): void;
}

/** How a seat reaches that which does its steps: a thread, or a process. */
export interface SeatLink {
  /** Asks for a step, when that before was answered. What it is given may be used up by that. */
  send(request: AgentRequest): void;
  /** Ends it. What it does at the moment may go on for as long as the system takes. */
  close(): void;
  /**
   * Says why it is ended where it has not answered for so long that it will hardly do. Absent: it
   * is left alone.
   */
  readonly stuck?: () => Error;
}

/**
 * Begins to open one; events come later, never from within.
 *
 * @throws Error where the system has none for us
 */
export type OpenLink = (events: SeatEvents) => SeatLink;
