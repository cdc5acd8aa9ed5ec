import { InvalidArgumentError, Option } from 'commander';
import { GRANTS, isGrant } from '../identity/grants.ts';
import { isSessionId } from '../identity/tokens/token-format.ts';
import { spanMs } from '../quantities.ts';
import { collect, nonEmpty } from './arguments.ts';

/*
 * The flags that the commands about tokens have in common.
 */

/** The last moment that a time of RFC 3339 can say. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59);

/** `--grant`, with what holds where it is not given. */
export function grantOption(otherwise: string): Option {
  return new Option(
    '--grant <grants>',
    `what may be done with it, with commas; may be given again (default: ${otherwise})`,
  ).argParser((text, earlier?: readonly string[]) =>
    text.split(',').reduce<readonly string[] | undefined>(collectGrant, earlier),
  );
}

function collectGrant(earlier: readonly string[] | undefined, name: string): readonly string[] {
  if (!isGrant(name)) throw new InvalidArgumentError(`it takes ${GRANTS.join(', ')}`);
  return collect(name, earlier);
}

/** `--not-after`, with what holds where it is not given. */
export function notAfterOption(otherwise: string): Option {
  return new Option(
    '--not-after <when>',
    `when it is over: in 1h30m or 30d, or at 2030-01-31T12:00:00Z (default: ${otherwise})`,
  ).argParser(laterMoment);
}

/** A moment that is to come, in milliseconds since 1970: in `1h30m`, or at a date and time. */
function laterMoment(text: string): number {
  // A number alone is not taken for seconds: it might be meant as a moment.
  const span = /[a-z]$/.test(text) ? spanMs(text) : Number.NaN;
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : Date.now() + span;
  if (Number.isNaN(time) || time > LAST_TIME) {
    throw new InvalidArgumentError(
      'it is neither a time span such as 1h30m nor a time such as 2030-01-31T12:00:00Z',
    );
  }
  if (time <= Date.now()) throw new InvalidArgumentError('it is over');
  return time;
}

/** The id of a session, all of it: no server is asked whose ids begin so. */
export function wholeSessionId(text: string): string {
  const id = text.toLowerCase();
  if (!isSessionId(id)) throw new InvalidArgumentError('it is no whole id of a session');
  return id;
}

/** `--token-file`, of a command that takes a token which is there. */
export function tokenFileOption(): Option {
  return new Option(
    '--token-file <path>',
    'the file that the token is in (default: $RUNLET_TOKEN_FILE, $RUNLET_TOKEN, or standard input)',
  ).argParser(nonEmpty);
}

/** `--out`, of a command that makes a token. */
export function outOption(): Option {
  return new Option(
    '--out <path>',
    'a file to make for the token, which only this user can read (default: none, it is printed)',
  ).argParser(nonEmpty);
}
