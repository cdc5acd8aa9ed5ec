import { listPorts as findPorts, type PortOwner } from '../../../network/ports/list-ports.ts';
import type { ProcessTable } from '../../../process/process-table.ts';
import { enterTunnels } from './tunnel-calls.ts';
import type { TunnelMethods, TunnelServiceOptions } from './tunnel-service.ts';

/** `ListPorts`. */
export function listPorts(options: TunnelServiceOptions): TunnelMethods<'listPorts'> {
  return {
    async listPorts(request, context) {
      const { processes } = enterTunnels(options, request, context).session;
      const { processId } = request;
      const owners = processId === '' ? all(processes) : [processes.get(processId)];
      const { ports, truncated } = await findPorts(owners, options.clock, context.signal);
      return { ports: [...ports], truncated };
    },
  };
}

/** In the order in which they were started. */
function* all(processes: ProcessTable): Generator<PortOwner> {
  for (const { process } of processes.list(0)) yield process;
}
