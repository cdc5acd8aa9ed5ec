import type { Logger } from 'pino';
import { shownText } from '../system-text.ts';

/** Something that somebody did, or was kept from doing. No contents, no secrets. */
export interface AuditRecord {
  /** The name of the caller; empty: it is not known. */
  readonly principal: string;
  /** The method that was called, `StartProcess`, or what the server did by itself. */
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
  /** What the log tells in its own lines, as far as anybody needs it there. Default: it does not. */
  readonly routine?: boolean;
}

/** A program that was started, or was to be. */
export interface AskedProgram {
  /** Its path, or the name that was asked for. */
  readonly program: string;
  /** What follows the program's name. */
  readonly args: readonly string[];
  /** The user that was asked for; undefined: none was. */
  readonly user: string | undefined;
}

/** What a record calls a method, of which this is the path. */
export function actionOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Where is kept who did what. */
export interface Audit {
  /** Never throws, and waits for nothing. */
  record(record: AuditRecord): void;
  /** What a record is to say of a start; `failure`: why it failed or was denied. */
  detailOfStart(asked: AskedProgram, failure?: string): string;
  /** The path of the file that it is kept in. Default: it is in none of its own. */
  readonly path?: string | undefined;
  /** Whether nothing may be done now that is to be recorded, since it might not be kept. */
  readonly refuses: boolean;
  /** Calls back now and at each change, with whether it can be written. Default: it always can. */
  follow?(callback: (writable: boolean) => void): void;
}

/**
 * Keeps it in a log, whose lines are dropped and counted where more come than can be written.
 * What is routine is left out.
 */
export function logAudit(logger: Pick<Logger, 'info'>): Audit {
  return {
    refuses: false,
    detailOfStart: ({ program, user }, failure) => failure ?? shownText(program) + asUser(user),
    record({ action, detail, outcome, principal, processId, reason, routine, sessionId }) {
      if (routine === true) return;
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
      );
    },
  };
}

/** Says as whom, where somebody was asked for. */
export function asUser(user: string | undefined): string {
  return user === undefined ? '' : ` as ${user}`;
}
