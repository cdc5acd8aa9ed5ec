import type { TunnelMethods, TunnelServiceOptions } from './tunnel-service.ts';

/** `Listen`. */
export function listen(_options: TunnelServiceOptions): TunnelMethods<'listen'> {
  return {
    listen() {
      throw new Error('to be built');
    },
  };
}
