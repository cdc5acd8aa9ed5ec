import type { Interceptor } from '../bridge/interceptor.ts';
import { logCalls } from './call-log.ts';
import type { ServerLog } from './server-log.ts';

/** What every call of every service passes, in this order, before its handler has it. */
export function pipeline(logger: ServerLog): readonly Interceptor[] {
  return [
    // The first, so that it tells of what the others refuse, too.
    logCalls(logger),
  ];
}
