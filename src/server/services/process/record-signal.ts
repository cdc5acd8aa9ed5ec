import type { CallContext } from '../../../bridge/call-context.ts';
import { RunletError } from '../../../errors.ts';
import { Signal } from '../../../gen/runlet/v1/signal_pb.ts';
import type { Audit } from '../../../telemetry/audit.ts';
import { whoDidWhat } from '../../audit-calls.ts';
import { assertRecordable } from '../../audit-required.ts';

/** What the audit says of a signal, by its number and whom it is for. */
export function signalDetail(signal: number, scope: string): string {
  return `SIG${Signal[signal] ?? signal} to ${scope}`;
}

/**
 * Sends a signal that is one of several messages of a call, and records that by itself.
 *
 * @throws RunletError `AUDIT_UNAVAILABLE` if it has to be recorded and could not be; and what
 *   `send` throws
 */
export async function recordSignal(
  audit: Audit,
  context: CallContext,
  detail: string,
  send: () => Promise<void>,
): Promise<void> {
  assertRecordable(audit);
  const record = (outcome: 'ok' | 'failed', reason: string): void =>
    audit.record({
      ...whoDidWhat(context),
      action: 'SignalProcess',
      outcome,
      reason,
      detail,
      routine: true,
    });
  try {
    await send();
  } catch (error) {
    record('failed', error instanceof RunletError ? error.reason : '');
    throw error;
  }
  record('ok', '');
}
