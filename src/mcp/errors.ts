import { type ProcessExit, RunletClientError } from '../client/index.ts';

/**
 * Why a transport is over:
 *
 * - `closed`: it was closed by this program.
 * - `exited`: the server process ended; `exit` says how.
 * - `stdin-closed`: the server process reads no more messages, and still runs.
 * - `line-too-long`: it wrote more than `maxLineBytes` without a line feed.
 * - `gap`: output of it is missing; the runlet server could not retain it.
 * - `session-lost`: its session is over for this client; `cause` is the `SessionLostError`.
 * - `failed`: the runlet server refused something else; see `cause`.
 */
export type McpTransportEnd =
  | 'closed'
  | 'exited'
  | 'stdin-closed'
  | 'line-too-long'
  | 'gap'
  | 'session-lost'
  | 'failed';

/** A transport is over: what was being sent fails with it, and all that comes. */
export class McpTransportError extends RunletClientError {
  override readonly name = 'McpTransportError';
  readonly reason: McpTransportEnd;
  /** How the server process ended, with the reason `exited`. */
  readonly exit: ProcessExit | undefined;

  constructor(
    reason: McpTransportEnd,
    message: string,
    { cause, exit }: { readonly cause?: unknown; readonly exit?: ProcessExit } = {},
  ) {
    super('MCP_TRANSPORT_OVER', message, cause);
    this.reason = reason;
    this.exit = exit;
  }
}

/** How many characters of a line an error shows. */
const SHOWN_CHARACTERS = 200;

/** A line that the server process wrote is no message. It was passed over. */
export class McpMessageError extends RunletClientError {
  override readonly name = 'McpMessageError';
  /** The beginning of the line: 200 characters at most. */
  readonly line: string;

  constructor(line: string, cause: unknown) {
    super(
      'MCP_MESSAGE_INVALID',
      'the server process wrote a line that is no JSON-RPC message',
      cause,
    );
    this.line = line.slice(0, SHOWN_CHARACTERS);
  }
}

/** The server process may still run: it could not be ended when its transport was over. */
export class McpShutdownError extends RunletClientError {
  override readonly name = 'McpShutdownError';

  constructor(cause: unknown) {
    super('MCP_STILL_RUNNING', 'the server process could not be ended', cause);
  }
}
