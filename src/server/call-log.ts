import { status } from '@grpc/grpc-js';
import { CALL_IDS } from '../bridge/call-context.ts';
import type { Interceptor } from '../bridge/interceptor.ts';
import type { Clock } from '../clock.ts';
import { RunletError } from '../errors.ts';
import { ANYBODY } from '../identity/principal.ts';
import { MAX_REFUSAL_LINES } from '../limits.ts';
import { type Audit, actionOf } from '../telemetry/audit.ts';
import { SECOND } from '../units.ts';
import { callerOf } from './caller.ts';
import type { ServerLog } from './server-log.ts';
import { toStatus } from './status.ts';

/** Writes one line for every call: how it went and about which ids, never what it held. */
export function logCalls(logger: ServerLog): Interceptor {
  return async (_method, context, next) => {
    const began = performance.now();
    const outcome = await next();
    const line = {
      method: context.method,
      code: status[outcome.code],
      durationMs: Math.round((performance.now() - began) * 1000) / 1000,
      principal: callerOf(context).name,
      ...context.get(CALL_IDS),
    };
    // Only what was not thrown on purpose: its text may hold anything, its name and stack do not.
    if (outcome.code === status.INTERNAL) {
      logger.error({ ...line, stack: stackOf(outcome.error) }, 'call');
    } else if (outcome.code === status.UNAUTHENTICATED) {
      logger.info({ ...line, why: whyRefused(outcome.error) }, 'call');
    } else {
      logger.info(line, 'call');
    }
    return outcome;
  };
}

/**
 * Writes the same line, and one of the audit, for a call that was refused before anybody knew who makes it. Whoever
 * can connect can make those, so of a flood there are some lines a second, which say how many are left
 * out.
 */
export function logRefusals(
  logger: ServerLog,
  audit: Audit,
  clock: Clock,
): (method: string, error: unknown) => void {
  let began = clock.monotonic();
  let lines = 0;
  let leftOut = 0;
  return (method, error) => {
    const now = clock.monotonic();
    if (now - began >= SECOND) {
      began = now;
      lines = 0;
    }
    lines += 1;
    if (lines > MAX_REFUSAL_LINES) {
      leftOut += 1;
      return;
    }
    const { code = status.UNKNOWN } = toStatus(error);
    const why = whyRefused(error);
    const line = { method, code: status[code], durationMs: 0, principal: ANYBODY.name, why };
    logger.info(leftOut === 0 ? line : { ...line, leftOut }, 'call');
    leftOut = 0;
    if (error instanceof RunletError && error.reason === 'UNAUTHENTICATED') {
      audit.record({
        principal: '',
        action: actionOf(method),
        sessionId: '',
        processId: '',
        outcome: 'denied',
        reason: error.reason,
        detail: why ?? '',
      });
    }
  };
}

/** What the caller is not told. */
function whyRefused(error: unknown): string | undefined {
  return error instanceof RunletError && typeof error.cause === 'string' ? error.cause : undefined;
}

/** Where an error was thrown, without its message. */
function stackOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  return [error instanceof Error ? error.name : typeof error, ...frames].join('\n');
}
