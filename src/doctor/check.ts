import type { Clock } from '../clock.ts';
import { CHECK_MS } from '../limits.ts';
import { within } from '../within.ts';
import type { Surroundings } from './surroundings.ts';

/** What can be wrong with something, for people. `{name}` stands for what was found. */
export interface Problem {
  /** What does not work then. */
  readonly consequence: string;
  /** What to do. */
  readonly remedy: string;
}

/** What came of a look: all is well, or it has a problem. */
export type Outcome<P extends string = string> = Well | Ill<P>;

interface Well {
  /** What was found, for people. */
  readonly detail: string;
  /** Default: as the check says. */
  readonly required?: boolean;
}

interface Ill<P extends string> extends Well {
  /** By which of its problems. */
  readonly problem: P;
  /** What `{name}` stands for in the texts of the problem. */
  readonly values?: Readonly<Record<string, string | number>>;
}

/** Something that is looked at: what runlet wants of a machine. */
export interface Check<P extends string = string> {
  /** Never another one: scripts know it. */
  readonly name: string;
  /** What is looked at, for the documentation. */
  readonly about: string;
  /** Whether a server cannot do without. */
  readonly required: boolean;
  /** All problems that there can be, by names for the code. */
  readonly problems: Readonly<Record<P, Problem>>;
  /** The problem of all that is not Linux. Default: it is looked at there, too. */
  readonly elsewhere?: P;
  /** How long it may take, in milliseconds. Default: {@link CHECK_MS}. */
  readonly boundMs?: number;
  look(surroundings: Surroundings): Outcome<P> | Promise<Outcome<P>>;
}

/** What was found. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** Whether a server cannot do without. */
  readonly required: boolean;
  readonly detail: string;
  /** What does not work; undefined: nothing is wrong. */
  readonly consequence: string | undefined;
  /** What to do about that. */
  readonly remedy: string | undefined;
}

/** What is to be done of what is there on Linux alone. */
const USE_LINUX = 'Run the server on Linux.';

/** Looks at one thing, in bounded time: what does not answer, or fails, is a finding. Never rejects. */
export async function examine(
  check: Check,
  surroundings: Surroundings,
  clock: Clock,
): Promise<Finding> {
  const { boundMs = CHECK_MS, elsewhere, name } = check;
  const { platform } = surroundings;
  if (elsewhere !== undefined && platform !== 'linux') {
    const { consequence } = check.problems[elsewhere] ?? unknown(check);
    const detail = `it is of Linux, and this is ${platform}`;
    return { name, ok: false, required: false, detail, consequence, remedy: USE_LINUX };
  }
  try {
    const looking = Promise.resolve().then(() => check.look(surroundings));
    const outcome = await within(looking, clock, boundMs);
    if (outcome !== undefined) return findingOf(check, outcome);
    return undecided(check, `it did not answer within ${boundMs / 1000} seconds`);
  } catch (error) {
    return undecided(check, error instanceof Error ? error.message : String(error));
  }
}

/** What an outcome says. */
export function findingOf(check: Check, outcome: Outcome): Finding {
  const { name, problems } = check;
  const { detail, required = check.required } = outcome;
  if (!('problem' in outcome)) {
    return { name, ok: true, required, detail, consequence: undefined, remedy: undefined };
  }
  const { problem, values = {} } = outcome;
  const { consequence, remedy } = problems[problem] ?? unknown(check);
  return {
    name,
    ok: false,
    required,
    detail,
    consequence: filled(consequence, values),
    remedy: filled(remedy, values),
  };
}

/** What cannot be said counts as missing, so that nobody relies on it. */
function undecided(check: Check, detail: string): Finding {
  const { name, required } = check;
  return { name, ok: false, required, detail, ...unknown(check) };
}

function unknown({ about }: Check): Problem {
  return {
    consequence: `It is not known how it is with this: ${about}.`,
    remedy:
      'Look at what is said above, and run `runlet doctor` again. Where it stays so, report it as a fault of runlet.',
  };
}

function filled(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nothing is known of ${name}`);
    return String(value);
  });
}
