import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly deprecated?: string;
  readonly hasInstallScript?: boolean;
}

const read = async (name: string) =>
  JSON.parse(await readFile(new URL(`../${name}`, import.meta.url), 'utf8'));

/** What `npm ci` would say of packages before the first command of a new clone. */
describe('npm ci', () => {
  it('has nothing to warn of', async () => {
    const { packages }: { packages: Readonly<Record<string, Locked>> } =
      await read('package-lock.json');
    const { allowScripts } = await read('package.json');
    const warned = Object.entries(packages).filter(([path, { deprecated, hasInstallScript }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return deprecated !== undefined || (hasInstallScript && !(name in allowScripts));
    });
    expect(warned).toEqual([]);
  });
});
