import type { Example } from './examples.ts';

/** Flags of a sandbox, of a command about files. */
const FLAGS =
  '--address "$SERVER" --sandbox agent --allow-read /etc --allow-write "$FOLDER" --deny "$FOLDER/private"';

/** An example for them, of a command about files: of `words`, with `rest` after the flags. */
export function sandboxExample(words: string, rest: string, prints: RegExp): Example {
  return {
    command: `runlet ${words} ${FLAGS} ${rest}`,
    does: 'Get no further than a process would that is in such a sandbox',
    prints,
  };
}
