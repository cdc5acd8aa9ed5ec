import { CommanderError } from 'commander';
import { endProgram } from './ending.ts';
import { USAGE_EXIT_CODE } from './exit-codes.ts';
import { fail } from './failure.ts';
import { assertTexts, ownArguments } from './own-bytes.ts';
import { createProgram } from './program.ts';
import { spellOutSignals } from './signal-words.ts';

/** Does what the arguments of this program say, and ends it. */
export async function runCommandLine(): Promise<never> {
  try {
    const program = createProgram();
    program.hook('preAction', (_, command) => assertTexts(command));
    await program.parseAsync(spellOutSignals(ownArguments(process.argv)), { from: 'user' });
  } catch (error) {
    // Commander has said what is wrong; asking for help or the version is no error.
    if (error instanceof CommanderError)
      process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    else fail(error);
  }
  return endProgram();
}
