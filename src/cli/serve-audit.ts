import { resolve } from 'node:path';
import { systemClock } from '../clock.ts';
import type { ServerLog } from '../server/server-log.ts';
import { AuditFile } from '../telemetry/audit-file.ts';
import type { Meter } from '../telemetry/meter.ts';
import { redact } from './redact.ts';
import type { Reloads } from './reloads.ts';
import type { AuditServeFlags } from './serve-audit-options.ts';

/** The audit of a server that has one of its own. */
export interface ServedAudit {
  readonly audit: AuditFile;
  /** Standard output is written to from now on, after what else is said there. */
  begin(): Promise<void>;
  /** Has it be written out, for a bounded time. */
  close(): Promise<void>;
}

/**
 * Opens the file of `--audit`, and again whenever the operator's files are read again.
 *
 * @throws Error if it cannot be opened, or is no regular file
 */
export async function serveAudit(
  { audit: given = '-', auditArguments = false, auditRequired = false }: AuditServeFlags,
  logger: ServerLog,
  reloads: Reloads,
  meter: Meter | undefined,
): Promise<ServedAudit> {
  const file = given === '-' ? given : resolve(given);
  const audit = new AuditFile({
    file,
    required: auditRequired,
    tellsArguments: auditArguments,
    clock: systemClock,
    redact,
    meter,
    onChange(writable, err) {
      if (writable) logger.info('the audit is written again');
      else logger.error({ err }, 'the audit cannot be written');
    },
  });
  if (file !== '-') {
    await audit.open();
    reloads.add('the file of the audit', () => audit.open());
  }
  return {
    audit,
    async begin() {
      if (file === '-') await audit.open();
    },
    async close() {
      const lost = await audit.close();
      if (lost > 0) logger.error({ lines: lost }, 'the end of the audit could not be written');
    },
  };
}
