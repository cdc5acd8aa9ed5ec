import type { Logger } from 'pino';

/** Something that somebody did, or was kept from doing. No contents, no secrets. */
export interface AuditRecord {
  /** The name of the caller; empty: it is not known. */
  readonly principal: string;
  /** The method that was called: `StartProcess`. */
  readonly action: string;
  /** Empty: it is about none. */
  readonly sessionId: string;
  /** Empty: it is about none. */
  readonly processId: string;
  /** `denied`: it may not be done; `failed`: it could not be. */
  readonly outcome: 'ok' | 'denied' | 'failed';
  /** That of the error, as clients see it; empty: there was none. */
  readonly reason: string;
  /** What exactly, for the operator: more than the caller is told. */
  readonly detail: string;
}

/** What a record calls a method, of which this is the path. */
export function actionOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Where is kept who did what. */
export interface Audit {
  /** Never throws, and waits for nothing. */
  record(record: AuditRecord): void;
}

/** Keeps it in a log, whose lines are dropped and counted where more come than can be written. */
export function logAudit(logger: Pick<Logger, 'info'>): Audit {
  return {
    record: ({ action, detail, outcome, principal, processId, reason, sessionId }) =>
      logger.info(
        {
          audit: true,
          principal,
          action,
          session_id: sessionId,
          process_id: processId,
          outcome,
          reason,
          detail,
        },
        'audit',
      ),
  };
}
