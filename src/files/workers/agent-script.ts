import { existsSync } from 'node:fs';

/** The scripts that do operations on files: of a thread, and of a process in a sandbox. */
export type AgentScript = 'main' | 'main-in-sandbox';

/** What they are called where they are bundled. */
const BUNDLED: Readonly<Record<AgentScript, string>> = {
  main: 'file-agent',
  'main-in-sandbox': 'sandboxed-file-agent',
};

/**
 * Where a script for files is: beside us as it is compiled, as it is bundled, or, where the
 * sources themselves are run by something that compiles them as it goes, in the build.
 *
 * @throws Error where there is none
 */
export function agentScript(name: AgentScript): URL {
  const places = import.meta.url.endsWith('.ts')
    ? [`../../../dist/files/agent/${name}.js`]
    : [`../agent/${name}.js`, `./${BUNDLED[name]}.js`, `../files/agent/${name}.js`];
  const found = places.map((place) => new URL(place, import.meta.url)).find(existsSync);
  if (found === undefined) throw new Error('the script that does operations on files is not there');
  return found;
}
