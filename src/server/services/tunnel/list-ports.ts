import type { TunnelMethods, TunnelServiceOptions } from './tunnel-service.ts';

/** `ListPorts`. */
export function listPorts(_options: TunnelServiceOptions): TunnelMethods<'listPorts'> {
  return {
    listPorts() {
      throw new Error('to be built');
    },
  };
}
