import { constants } from 'node:os';
import { errnoNameOf } from '../../errno-name.ts';

/** What failed of a probe. */
export interface ActFailure {
  /** The name of an act, see acts.c; or `sandbox`, where none could be made to try it in. */
  readonly step: string;
  /** The name of the system's error; empty where it is none, or the act worked and must not. */
  readonly errnoName: string;
  /** The same for people. */
  readonly problem: string;
}

/** That all was told. */
const LAST = 'done';

/**
 * Reads what acts.c writes: undefined, if all that has to fail failed, and all that has to work
 * worked.
 */
export function failedAct(written: string): ActFailure | undefined {
  const lines = written.split('\n').filter((line) => line !== '');
  for (const line of lines.slice(0, -1)) {
    const [, kind, step = '', digits] = /^([-+]) ([a-z_]+) (\d{1,4})$/.exec(line) ?? [];
    if (kind === undefined) return { step: 'read', errnoName: '', problem: 'it says other things' };
    const errno = Number(digits);
    if (kind === '-' && errno === 0) return { step, errnoName: '', problem: 'it must fail' };
    if (kind === '+' && errno !== 0) {
      const errnoName = errnoNameOf(errno);
      return { step, errnoName, problem: `it must work: ${errnoName}` };
    }
  }
  if (lines.at(-1) === LAST && lines.length > 1) return undefined;
  return { step: 'end', errnoName: '', problem: 'it did not come to its end' };
}

/** The name of the error that a call of Node.js failed with. */
export function errnoNameOfError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return Object.hasOwn(constants.errno, code) ? code : '';
}
