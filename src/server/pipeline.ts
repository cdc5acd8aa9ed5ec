import type { Interceptor } from '../bridge/interceptor.ts';
import type { Clock } from '../clock.ts';
import { admitCalls } from './admission.ts';
import { logCalls } from './call-log.ts';
import type { OpenCalls } from './open-calls.ts';
import type { ServerLog } from './server-log.ts';

/** What every call of every service passes, in this order, before its handler has it. */
export function pipeline(logger: ServerLog, open: OpenCalls, clock: Clock): readonly Interceptor[] {
  return [
    // The first, so that it tells of what the others refuse, too.
    logCalls(logger),
    // Who calls, and whether that caller may; nothing that a request names is looked up before.
    admitCalls(open, clock),
  ];
}
