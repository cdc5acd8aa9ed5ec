import { type Command, CommanderError } from 'commander';
import { USAGE_EXIT_CODE } from './exit-codes.ts';
import { assertTexts } from './own-bytes.ts';
import { createProgram } from './program.ts';
import { spellOutSignals } from './signal-words.ts';

/** Does what the words after `runlet` say, or says why not. The exit code is `process.exitCode`. */
export async function parseWords(words: readonly string[]): Promise<void> {
  let command: Command | undefined;
  const spelledOut = spellOutSignals(words);
  try {
    const program = await createProgram(spelledOut);
    program.hook('preAction', (_, action) => {
      command = action;
      assertTexts(action);
    });
    await program.parseAsync(spelledOut, { from: 'user' });
  } catch (error) {
    // Commander has said what is wrong; asking for help or the version is no error.
    if (error instanceof CommanderError)
      process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    else (await import('./failure.ts')).fail(error, command);
  }
}
