/** Every code that an error of the client has, and what it means. docs/client.md has the table. */
export const ERROR_CODES = {
  REFUSED: 'the server answered, and refused',
  SESSION_LOST: 'the session is over for this client',
  UNREACHABLE: 'the server could not be reached',
  OUTCOME_UNKNOWN: 'the connection broke, and the call may or may not have been done',
  OPTION_INVALID: 'an option or argument is unknown, or not what it has to be',
  CLIENT_CLOSED: 'the client was closed before',
  COMMAND_FAILED: 'a command that is checked did not end with the exit code 0',
  OUTPUT_TOO_LARGE: 'a command wrote more than it was allowed to',
  OUTPUT_LOST: 'output was dropped before it was read',
  STDIN_CONFLICT: 'another client wrote to the same standard input',
  FILE_TOO_LARGE: 'a file has more bytes than were to be kept of it',
  WALK_TRUNCATED: 'there are more files than the server lists in one walk',
  INTERRUPTED: 'the connection broke during what cannot be gone on with',
  LOCAL_FILE_CHANGED: 'a file of this machine was changed while it was sent',
  LOCAL_FILE_UNFIT: 'a file of this machine is not what it has to be',
  SANDBOX_IGNORED:
    'the server would leave out a sandbox, and was not asked; or it did leave it out',
  NOT_SUPPORTED: 'the server is of a version that does not have it',
  TUNNEL_RESET: 'a connection through the server was reset',
  BODY_TOO_LARGE: 'an answer has a longer body than it was to have',
  SERVER_NOT_STARTED: 'a server of this program did not start',
  PROTOCOL: 'the server did not answer as the contract says',
  MCP_TRANSPORT_OVER: 'a transport is over',
  MCP_MESSAGE_INVALID: 'an MCP server wrote a line that is no message',
  MCP_STILL_RUNNING: 'an MCP server could not be ended',
  MCP_MISUSED: 'a transport was started twice, or used before that',
} as const;

/** What an error is, for programs. */
export type RunletErrorCode = keyof typeof ERROR_CODES;

/** What every error of the client is. */
export class RunletClientError extends Error {
  override readonly name: string = 'RunletClientError';
  /** What it is, for programs. */
  readonly code: RunletErrorCode;

  constructor(code: RunletErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** An option or argument is unknown, or not what it has to be. Nothing was sent. */
export class OptionError extends RunletClientError {
  override readonly name = 'OptionError';
  /** Which one: `timeoutMs`, `argv[1]`, `env.HOME`. */
  readonly option: string;

  constructor(option: string, message: string) {
    super('OPTION_INVALID', message);
    this.option = option;
  }
}
