import type { FaultMessage } from '../file-fault.ts';

/** What an agent is asked for. The next is asked for when the last was answered. */
export type AgentRequest =
  /** Begins an operation, and does its first step. */
  | {
      readonly kind: 'begin';
      readonly task: number;
      readonly operation: string;
      readonly args: unknown;
    }
  /** Does the next step of one. */
  | { readonly kind: 'step'; readonly task: number; readonly input: unknown }
  /** Gives one up. Is answered by `done`, too. */
  | { readonly kind: 'close'; readonly task: number };

/** What it answers. */
export type AgentAnswer =
  /** It goes on; undefined: there is no piece yet. */
  | { readonly kind: 'piece'; readonly piece: unknown }
  /** It is over. */
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'fault'; readonly fault: FaultMessage }
  /** A fault of ours: for the log. */
  | { readonly kind: 'error'; readonly error: unknown };
