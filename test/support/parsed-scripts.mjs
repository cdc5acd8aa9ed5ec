// What of its code a program has loaded, for a test to look at. Imported by a program that ends, it
// leaves that in the file that PARSED_SCRIPTS names.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import process from 'node:process';

/** The paths and URLs of all scripts that V8 has, however they were loaded. */
export function parsedScripts() {
  const session = new Session();
  session.connect();
  const scripts = new Set();
  session.on('Debugger.scriptParsed', ({ params }) => scripts.add(params.url));
  // All that there are are told before this returns.
  session.post('Debugger.enable');
  session.disconnect();
  return [...scripts];
}

const { PARSED_SCRIPTS } = process.env;
if (PARSED_SCRIPTS !== undefined) {
  process.on('exit', () => writeFileSync(PARSED_SCRIPTS, JSON.stringify(parsedScripts())));
}
