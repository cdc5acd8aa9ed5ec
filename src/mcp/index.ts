/** MCP servers that run on a runlet server, for the TypeScript SDK of the protocol. */

export {
  McpMessageError,
  McpShutdownError,
  type McpTransportEnd,
  McpTransportError,
} from './errors.ts';
export type { McpServerOptions, McpServerPlace, RunletTransportOptions } from './options.ts';
export { RunletClientTransport } from './runlet-client-transport.ts';
