import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ROOT, readBlocks } from './pages.ts';

/** How the commands for a project of one's own correspond to the client in this repository. */
interface Correspondence {
  /** What names the packages of the client here. */
  readonly manifest: string;
  /** A package and its version in the commands. */
  readonly wanted: RegExp;
  /** How the manifest names a package in that version. */
  readonly named: (name: string, version: string) => RegExp;
  /** How many packages the commands name. */
  readonly packages: number;
  /** What else of the commands there has to be, and where. */
  readonly also: readonly (readonly [file: string, command: RegExp, has: RegExp])[];
}

/*
 * The commands fetch packages and compile them, for which the gate has no time beside the
 * clients here. So they are compared with what these are built with.
 */
const LANGUAGES: Readonly<Record<string, Correspondence>> = {
  java: {
    manifest: 'pom.xml',
    wanted: /-D([\w.]+)=(proto)\b/g,
    named: (name, folder) => new RegExp(`<${name}>../../${folder}</${name}>`),
    packages: 1,
    also: [['pom.xml', /clients\/java\/pom\.xml/, /\$\{runlet\.protos\}/]],
  },
  rust: {
    manifest: 'Cargo.toml',
    wanted: /([\w-]+)@([\d.]+)/g,
    named: (name, version) => new RegExp(`^${name} = (?:\\{ version = )?"=${version}\\.`, 'm'),
    packages: 7,
    also: [['build.rs', /sed 's\|\.\.\/\.\.\/proto\|proto\|' /, /"\.\.\/\.\.\/proto"/]],
  },
};

describe.each(Object.entries(LANGUAGES))('the commands for a project in %s', (language, one) => {
  const folder = `clients/${language}`;
  const read = (file: string) => readFile(`${ROOT}/${folder}/${file}`, 'utf8');

  it('want the packages that the client here is built with', async () => {
    const blocks = await readBlocks(`${folder}/README.md`);
    const { commands } = blocks.find(({ kind, name }) => kind === 'own' && name === language) ?? {};
    const manifest = await read(one.manifest);
    const wanted = [...(commands ?? '').matchAll(one.wanted)];
    expect(wanted).toHaveLength(one.packages);
    for (const [, name = '', version = ''] of wanted) {
      expect(manifest).toMatch(one.named(name, version));
    }
    for (const [file, command, has] of one.also) {
      expect(commands).toMatch(command);
      expect(await read(file)).toMatch(has);
    }
  });

  it('take files from the clone that there are', async () => {
    const page = await read('README.md');
    const paths = [...page.matchAll(/"\$RUNLET\/([\w./-]+)"/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !existsSync(`${ROOT}/${path}`))).toEqual([]);
  });
});
