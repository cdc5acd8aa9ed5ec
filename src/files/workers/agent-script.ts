import { existsSync } from 'node:fs';

/**
 * Where the script of a thread for files is: beside us as it is compiled, as it is bundled, or,
 * where the sources themselves are run by something that compiles them as it goes, in the build.
 */
const PLACES = ['../agent/main.js', './file-agent.js', '../files/agent/main.js'];
const BUILT = '../../../dist/files/agent/main.js';

/** @throws Error where there is none */
export function agentScript(): URL {
  const places = import.meta.url.endsWith('.ts') ? [BUILT] : PLACES;
  const found = places.map((place) => new URL(place, import.meta.url)).find(existsSync);
  if (found === undefined) throw new Error('the script of threads for files is not there');
  return found;
}
