import type { SessionCalls } from '../session-calls.ts';
import { checkPortsOptions, type PortsOptions } from './network-options.ts';
import { assertHasNetwork } from './network-support.ts';

/** A TCP port at which a process of a session listens. */
export interface ListeningPort {
  /** Which process of the session it is, or came of. */
  readonly processId: string;
  /** The number of the process that has it open, as the server's machine knows it. */
  readonly pid: number;
  /** The address; `0.0.0.0` or `::` for all. */
  readonly host: string;
  readonly port: number;
  /** Whether it is in a network of its own: only a connection with `processId` reaches it. */
  readonly ownNetwork: boolean;
}

/** The ports at which the processes of a session listen. */
export interface ListeningPorts {
  /** In the order in which the processes were started, then by port and address. */
  readonly ports: readonly ListeningPort[];
  /** Whether there are more of them, or more processes than are looked through. */
  readonly truncated: boolean;
}

/** Asks for the ports of a session as they are now. @internal */
export async function listPorts(
  calls: SessionCalls,
  options: PortsOptions = {},
): Promise<ListeningPorts> {
  checkPortsOptions(options);
  const { processId = '', signal } = options;
  const { ports, truncated } = await calls.call({ idempotent: true, signal }, async (target) => {
    await assertHasNetwork('tunnels', target);
    const { generation, ids } = target;
    return generation.control.tunnels.listPorts({ ...ids, processId }, target.options);
  });
  return {
    ports: ports.map(({ host, ownNetwork, pid, port, processId: id }) => ({
      processId: id,
      pid,
      host,
      port,
      ownNetwork,
    })),
    truncated,
  };
}
