import { CommanderError } from 'commander';
import { endProgram } from './ending.ts';
import { USAGE_EXIT_CODE } from './exit-codes.ts';
import { assertTexts, ownArguments } from './own-bytes.ts';
import { createProgram } from './program.ts';
import { spellOutSignals } from './signal-words.ts';

/** Does what the arguments of this program say, and ends it. */
export async function runCommandLine(): Promise<never> {
  try {
    const words = spellOutSignals(ownArguments(process.argv));
    const program = await createProgram(words);
    program.hook('preAction', (_, command) => assertTexts(command));
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    // Commander has said what is wrong; asking for help or the version is no error.
    if (error instanceof CommanderError)
      process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    else (await import('./failure.ts')).fail(error);
  }
  return endProgram();
}
