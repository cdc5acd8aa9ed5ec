import { RunletError } from '../../errors.ts';

/** Why a token is not taken, for the log alone: never with anything of what is in it. */
export function refused(why: string): RunletError {
  return new RunletError('UNAUTHENTICATED', { cause: why });
}
