import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The top folder of the repository, in which the commands of the documents are to be typed. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const FOR_DEVELOPERS = ['CHANGELOG.md', 'CONTRIBUTING.md'];

/** A block of commands in a document. */
export interface Block {
  readonly page: string;
  readonly line: number;
  /** What the comment before it says: how it is run, and its name there. */
  readonly kind: string | undefined;
  readonly name: string | undefined;
  readonly commands: string;
}

const FENCE =
  /(?:^<!-- (\w+)(?:: ([\w-]+))? -->\n\n?)?^ *```(?:sh|bash|shell|console)\n(.*?)^ *```$/gms;

/** The blocks of commands of a page, in order. */
export function blocksOf(page: string, text: string): readonly Block[] {
  return [...text.matchAll(FENCE)].map(({ index, 1: kind, 2: name, 3: commands = '' }) => {
    const line = text.slice(0, index).split('\n').length;
    return { page, line, kind, name, commands };
  });
}

/** The blocks of commands of a page of this repository. */
export async function readBlocks(page: string): Promise<readonly Block[]> {
  return blocksOf(page, await readFile(`${ROOT}/${page}`, 'utf8'));
}

/** The documents that users read: all but the rules and the history of the project. */
export async function userPages(): Promise<readonly string[]> {
  const top = (await readdir(ROOT)).filter((name) => !FOR_DEVELOPERS.includes(name));
  const docs = (await readdir(`${ROOT}/docs`, { recursive: true })).map((name) => `docs/${name}`);
  const others = await Promise.all(
    ['clients', 'deploy'].map(async (folder) =>
      (await readdir(`${ROOT}/${folder}`)).map((name) => `${folder}/${name}/README.md`),
    ),
  );
  const readmes = others.flat().filter((name) => existsSync(`${ROOT}/${name}`));
  return [...top, ...docs, ...readmes].filter((name) => name.endsWith('.md')).sort();
}
