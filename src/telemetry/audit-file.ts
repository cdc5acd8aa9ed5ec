import { basename } from 'node:path';
import type { Clock } from '../clock.ts';
import { AUDIT_FLUSH_MS, MAX_AUDIT_FIELD } from '../limits.ts';
import { shownText } from '../system-text.ts';
import { type AskedProgram, type Audit, type AuditRecord, asUser } from './audit.ts';
import { openAuditFile, standardOutputTarget } from './audit-target.ts';
import { LineWriter } from './line-writer.ts';
import { type Meter, NO_METER } from './meter.ts';

/** What an {@link AuditFile} is made with. */
export interface AuditFileOptions {
  /** The absolute path of the file; `-`: standard output. */
  readonly file: string;
  /** Whether nothing is to be done that might not be kept. */
  readonly required: boolean;
  /** Whether the arguments of programs are told. */
  readonly tellsArguments: boolean;
  readonly clock: Clock;
  /** Takes secrets out of a line of JSON. */
  readonly redact: (line: string) => string;
  /** Called when `writable` has changed, with why. */
  readonly onChange: (writable: boolean, why: unknown) => void;
  /** Counts what goes wrong. Default: nobody does. */
  readonly meter?: Meter | undefined;
}

/** Keeps who did what in a file, as lines of JSON. */
export class AuditFile implements Audit {
  readonly #options: AuditFileOptions;
  readonly #writer: LineWriter;
  readonly #followers: ((writable: boolean) => void)[] = [];

  constructor(options: AuditFileOptions) {
    this.#options = options;
    const { clock, meter = NO_METER, onChange } = options;
    this.#writer = new LineWriter({
      clock,
      meter,
      onChange: (writable, why) => {
        onChange(writable, why);
        for (const follower of this.#followers) follower(writable);
      },
      missingLine: (count) => this.#line(missing(count)),
    });
  }

  get path(): string | undefined {
    const { file } = this.#options;
    return file === '-' ? undefined : file;
  }

  /** Whether lines can be written: false while one could not, or too many wait. */
  get writable(): boolean {
    return this.#writer.writable;
  }

  get refuses(): boolean {
    return this.#options.required && !this.writable;
  }

  follow(callback: (writable: boolean) => void): void {
    callback(this.writable);
    this.#followers.push(callback);
  }

  record(record: AuditRecord): void {
    this.#writer.add(this.#line(record));
  }

  detailOfStart({ args, program, user }: AskedProgram, failure?: string): string {
    const count = `${args.length} ${args.length === 1 ? 'argument' : 'arguments'}`;
    const told = `${basename(shownText(program))}, ${count}${asUser(user)}`;
    const words = this.#options.tellsArguments ? `: ${JSON.stringify(args.map(shownText))}` : '';
    return `${told}${failure === undefined ? '' : ` (${failure})`}${words}`;
  }

  /**
   * Opens the file, and writes to it from now on: also what was recorded before. Again: the file
   * that is there by its name now, after it was moved away, for one.
   *
   * @throws Error if it cannot be opened; what was written to before goes on then
   */
  async open(): Promise<void> {
    const { file } = this.#options;
    this.#writer.writeTo(file === '-' ? standardOutputTarget() : await openAuditFile(file));
  }

  /**
   * Resolves when all is written, a write has failed, or some seconds are over: with the number of
   * lines that were not written.
   */
  close(): Promise<number> {
    return this.#writer.close(AUDIT_FLUSH_MS);
  }

  #line(record: AuditRecord): string {
    const { clock, redact } = this.#options;
    const { action, detail, outcome, principal, processId, reason, sessionId } = record;
    const fields = {
      time: new Date(clock.now()).toISOString(),
      principal: bounded(principal),
      action,
      session_id: sessionId,
      process_id: processId,
      outcome,
      reason,
      detail: bounded(detail),
    };
    return `${redact(JSON.stringify(fields))}\n`;
  }
}

/** Stands for records that could not be kept. */
function missing(count: number): AuditRecord {
  return {
    principal: '',
    action: 'Audit',
    sessionId: '',
    processId: '',
    outcome: 'failed',
    reason: 'AUDIT_UNAVAILABLE',
    detail: `${count} ${count === 1 ? 'line is' : 'lines are'} missing here`,
  };
}

function bounded(text: string): string {
  return text.length <= MAX_AUDIT_FIELD ? text : `${text.slice(0, MAX_AUDIT_FIELD - 1)}\u2026`;
}
