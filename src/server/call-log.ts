import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { CallReport } from '../bridge/call-context.ts';

/** Writes one line for every call: how it went and about which ids, never what it held. */
export function callLogger(logger: Logger): (report: CallReport) => void {
  return ({ code, durationMs, error, ids, method }) => {
    const line = {
      method,
      code: status[code],
      durationMs: Math.round(durationMs * 1000) / 1000,
      ...ids,
    };
    // Only what was not thrown on purpose: its text may hold anything, its name and stack do not.
    if (code === status.INTERNAL) logger.error({ ...line, stack: stackOf(error) }, 'call');
    else logger.info(line, 'call');
  };
}

/** Where an error was thrown, without its message. */
function stackOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  return [error instanceof Error ? error.name : typeof error, ...frames].join('\n');
}
