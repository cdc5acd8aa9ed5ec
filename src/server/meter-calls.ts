import { status } from '@grpc/grpc-js';
import type { Interceptor } from '../bridge/interceptor.ts';
import { methodPath } from '../bridge/types.ts';
import { RunletError } from '../errors.ts';
import type { Meter } from '../telemetry/meter.ts';
import { isDenial } from './denials.ts';
import { toStatus } from './status.ts';

/** Counts each call while it is under way, how it ended, and what was refused or denied of it. */
export function meterCalls(meter: Meter): Interceptor {
  return async (method, _context, next) => {
    const path = methodPath(method);
    const began = performance.now();
    meter.callBegan(path);
    const { code, error } = await next();
    meter.callEnded(path, codeName(code), (performance.now() - began) / 1000);
    meterError(meter, error);
    return { code, error };
  };
}

/** Counts a call that was answered before it began. `error`: undefined: there is no such method. */
export function meterTurnedAway(meter: Meter, path: string, error: unknown): void {
  const { code = status.UNKNOWN } =
    error === undefined ? { code: status.UNIMPLEMENTED } : toStatus(error);
  meter.callTurnedAway(path, codeName(code));
  meterError(meter, error);
}

function meterError(meter: Meter, error: unknown): void {
  if (!(error instanceof RunletError)) return;
  const { limit } = error.details.metadata ?? {};
  if (error.reason === 'LIMIT_EXCEEDED') meter.refused(limit ?? 'other');
  else if (isDenial(error)) meter.denied(error.reason);
}

function codeName(code: number): string {
  return status[code] ?? 'UNKNOWN';
}
