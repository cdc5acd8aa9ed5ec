import type { Writable } from 'node:stream';
import type { RemoteProcess } from '../client/index.ts';

/** An MCP server that runs. */
export interface RunningServer {
  readonly process: RemoteProcess & { readonly stdin: Writable };
  /** Closes the session that was made for it; one that was given stays. */
  release(): Promise<void>;
  /** Lets go of it at once, without asking the server. */
  abandon(): void;
}
