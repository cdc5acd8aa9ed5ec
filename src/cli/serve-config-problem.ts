import { commandText } from './human-text.ts';
import { UsageError } from './usage-error.ts';
import { whyRefused } from './wrong-words.ts';

/** What is wrong with what a file or a variable says. */
export interface ConfigProblem {
  /** All of it in one sentence, with the place. */
  readonly message: string;
  /** The key that it is about, or after; undefined: it is about none. */
  readonly key?: string | undefined;
  /** The place in a file. */
  readonly file?: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** The name of the variable. */
  readonly variable?: string;
}

/** Why one of the values of a key is refused, with the value. */
export function refusedValue(text: string, error: unknown): string {
  return `${commandText([text])}: ${whyRefused((error as Error).message)}`;
}

/** Why what only the command line can say is refused elsewhere. */
export function aloneThere(why: string): string {
  return `this can be said on the command line alone: ${why}`;
}

/** The error of the first of some problems, with its place in fields for the log. */
export function errorOf([first, ...more]: readonly [
  ConfigProblem,
  ...ConfigProblem[],
]): UsageError {
  const { message, ...place } = first;
  const also = more.length === 0 ? undefined : `\`runlet serve --check\` tells ${more.length} more`;
  return Object.assign(new UsageError(message, also), place);
}
