import { endProgram } from './ending.ts';
import { ownArguments } from './own-bytes.ts';
import { parseWords } from './parse-words.ts';

/** Does what the arguments of this program say, and ends it. */
export async function runCommandLine(): Promise<never> {
  await parseWords(ownArguments(process.argv));
  return endProgram();
}
