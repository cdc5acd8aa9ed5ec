import { type Audit, logAudit } from '../../src/telemetry/audit.ts';
import type { ServedHere } from './harness.ts';

/** A record of the audit, as its line has it. */
export type AuditLine = Readonly<Record<string, unknown>>;

/** The records of the audit that a server wrote so far, without what each line of its log has. */
export function auditOf({ log }: Pick<ServedHere, 'log'>): readonly AuditLine[] {
  return log
    .map((line): AuditLine => JSON.parse(line))
    .filter((line) => line['audit'] === true)
    .map(({ level: _level, msg: _msg, time: _time, audit: _audit, ...record }) => record);
}

/** One that keeps nothing. */
export const NO_AUDIT: Audit = logAudit({ info: () => {} });
