import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Servers that calls of a test may reach, one for each target. */
export interface TargetServers {
  /** Starts one on the loopback; resolves with its port. */
  start(): Promise<number>;
  /** How many have connected to the one at a port. */
  connections(port: number): number;
  close(): void;
}

/** Makes servers that answer every request with 200. */
export function targetServers(): TargetServers {
  const servers = new Map<number, { readonly server: Server; connections: number }>();
  return {
    async start() {
      const server = createServer((_request, response) => response.end());
      const known = { server, connections: 0 };
      server.on('connection', () => {
        known.connections += 1;
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      servers.set(port, known);
      return port;
    },
    connections: (port) => servers.get(port)?.connections ?? 0,
    close() {
      for (const { server } of servers.values()) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}
