import { status } from '@grpc/grpc-js';
import type { CallContext } from '../bridge/call-context.ts';
import type { Interceptor } from '../bridge/interceptor.ts';
import { methodPath } from '../bridge/types.ts';
import { RunletError } from '../errors.ts';
import type { Meter } from '../telemetry/meter.ts';
import type { TraceContext } from '../telemetry/tracing/trace-context.ts';
import { isDenial } from './denials.ts';
import { toStatus } from './status.ts';

/**
 * Counts each call while it is under way, how it ended, and what was refused or denied of it.
 * `traceOf`: where in which trace a call is; undefined: nobody traces.
 */
export function meterCalls(
  meter: Meter,
  traceOf: ((context: CallContext) => TraceContext | undefined) | undefined,
): Interceptor {
  return async (method, context, next) => {
    const path = methodPath(method);
    const began = performance.now();
    meter.callBegan(path);
    const { code, error } = await next();
    const seconds = (performance.now() - began) / 1000;
    meter.callEnded(path, codeName(code), seconds, traceOf?.(context));
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
