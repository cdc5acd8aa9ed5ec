import type { KeySet } from './key-set.ts';

/** Where the keys of an issuer come from. */
export interface KeySource {
  /** The last that were good. */
  current(): KeySet;
  /**
   * Looks for newer ones, if it may be that there are; resolves, whatever came of it, when that
   * is done. Undefined: it was looked not long ago.
   */
  refresh(): Promise<void> | undefined;
  /**
   * Reads or fetches them now, unless they were fetched not long ago.
   *
   * @throws Error that says what is wrong with a file
   */
  reload(): Promise<void>;
  /** Looks no more. Idempotent. */
  close(): void;
}

/** Where it is told what happens to keys. */
export interface KeyLog {
  info(facts: object, text: string): void;
  warn(facts: object, text: string): void;
}

/** Why keys could not be had: for the log, without anything of what they are. */
export function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return 'for a reason that is no error';
  const { code } = error as NodeJS.ErrnoException;
  return code ?? error.message;
}
