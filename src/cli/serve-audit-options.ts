import type { Command } from 'commander';
import { nonEmpty } from './arguments.ts';
import type { Example } from './examples.ts';
import { UsageError } from './usage-error.ts';

/** The flags of `runlet serve` that are about its audit. */
export interface AuditServeFlags {
  /** The path of a file; `-`: standard output. */
  readonly audit?: string;
  readonly auditArguments?: boolean;
  readonly auditRequired?: boolean;
}

/** Their names. */
export const AUDIT_FLAGS: readonly string[] = ['--audit', '--audit-arguments', '--audit-required'];

/** An example with all of them. */
export const AUDIT_EXAMPLE: Example = {
  command: 'runlet serve --audit "$FOLDER/audit.jsonl" --audit-arguments --audit-required',
  does: 'Keep who did what in a file, and do nothing that is not kept there',
  code: null,
  prints: /^runlet listening on unix:/,
};

/** Adds them. */
export function addAuditOptions(command: Command): Command {
  return command
    .option(
      '--audit <file>',
      'append who did what to a file, as lines of JSON; -: standard output (default: some of it is in the log)',
      nonEmpty,
    )
    .option('--audit-arguments', 'have the audit tell the arguments of programs, secrets and all')
    .option(
      '--audit-required',
      'refuse what the audit would have to tell while it cannot be written',
    );
}

/**
 * Whether there is to be an audit beside the log.
 *
 * @throws UsageError where flags of it make no sense
 */
export function asksForAudit(flags: AuditServeFlags & { readonly daemon?: boolean }): boolean {
  const { audit, auditArguments, auditRequired, daemon } = flags;
  if (audit === '-' && daemon === true) {
    throw new UsageError('--audit - has no standard output to write to with --daemon: name a file');
  }
  if (audit !== undefined) return true;
  if (auditArguments === true) throw new UsageError('--audit-arguments needs --audit');
  if (auditRequired === true) throw new UsageError('--audit-required needs --audit');
  return false;
}
