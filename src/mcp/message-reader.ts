import { deserializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { GapRange, ProcessEvent, ProcessExit } from '../client/index.ts';
import { McpMessageError, McpTransportError } from './errors.ts';
import { LineSplitter, LineTooLongError } from './line-splitter.ts';

/** Told what comes from an MCP server. */
export interface MessageListener {
  onMessage(message: JSONRPCMessage): void;
  onStderr(chunk: Buffer): void;
  /** A line that is no message was passed over. */
  onBadLine(error: McpMessageError): void;
  /** The process exited. What it wrote before may still come. */
  onExit(): void;
}

/** Makes messages of the events of one MCP server. */
export class MessageReader {
  readonly #listener: MessageListener;
  readonly #lines: LineSplitter;
  #exit: ProcessExit | undefined;

  constructor(maxLineBytes: number, listener: MessageListener) {
    this.#lines = new LineSplitter(maxLineBytes);
    this.#listener = listener;
  }

  /**
   * Takes the next event.
   *
   * @throws McpTransportError no message can come after it
   */
  take(event: ProcessEvent): void {
    switch (event.kind) {
      case 'output':
        if (event.stream === 'stdout') this.#takeOutput(event.data);
        else this.#listener.onStderr(event.data);
        return;
      case 'gap':
        for (const range of event.ranges) assertNoMessage(range);
        return;
      case 'exited':
        this.#exit = event;
        this.#listener.onExit();
        return;
      case 'closed':
        throw exited(this.#exit);
    }
  }

  #takeOutput(data: Buffer): void {
    try {
      for (const line of this.#lines.push(data)) this.#takeLine(line);
    } catch (error) {
      if (!(error instanceof LineTooLongError)) throw error;
      throw new McpTransportError(
        'line-too-long',
        `the server process wrote too much: ${error.message}`,
      );
    }
  }

  #takeLine(line: string): void {
    let message: JSONRPCMessage;
    try {
      message = deserializeMessage(line);
    } catch (error) {
      this.#listener.onBadLine(new McpMessageError(line, error));
      return;
    }
    this.#listener.onMessage(message);
  }
}

/** Messages are all on standard output. */
function assertNoMessage({ length, offset, stream }: GapRange): void {
  if (stream !== 'stdout') return;
  const what = `${length} bytes of its standard output, from ${offset} on`;
  throw new McpTransportError('gap', `the server process wrote what was not retained: ${what}`);
}

function exited(exit: ProcessExit | undefined): McpTransportError {
  const how =
    exit?.signal != null ? `was ended by ${exit.signal}` : `exited with the code ${exit?.code}`;
  const why = exit === undefined || exit.reason === 'exited' ? '' : ` (${exit.reason})`;
  return new McpTransportError(
    'exited',
    `the server process ${how}${why}`,
    exit === undefined ? {} : { exit },
  );
}
