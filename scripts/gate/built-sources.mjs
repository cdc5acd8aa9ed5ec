// @ts-check
import { readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @import { Plugin } from 'vitest/config' */

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/', import.meta.url));

/** What vitest leaves to Node.js to load. */
export const BUILT_MODULES = /\/dist\//;

/**
 * Has tests use what was built, where `TEST_BUILT` is set: Node.js loads that in a third of the time
 * that vitest takes for the sources, which is most of what a small file of tests costs. Whoever sets
 * it has built before. What is run without it is the sources, as they are at the moment.
 *
 * Tests that replace modules (`vi.mock`) use the sources all the same: in what Node.js loads, nothing
 * can be replaced.
 *
 * @returns {Plugin[]}
 */
export function builtSources() {
  if (process.env['TEST_BUILT'] === undefined) return [];
  /** @type {Map<string, boolean>} */
  const known = new Map();
  const needsSources = (/** @type {string} */ importer) => {
    let needs = known.get(importer);
    if (needs === undefined) {
      // What such a test imports imports sources in turn.
      needs = importer.startsWith(SOURCES) || readFileSync(importer, 'utf8').includes('vi.mock(');
      known.set(importer, needs);
    }
    return needs;
  };
  return [
    {
      name: 'built-sources',
      enforce: 'pre',
      async resolveId(source, importer) {
        if (importer === undefined || !source.startsWith('.') || !source.endsWith('.ts')) return;
        const found = await this.resolve(source, importer, { skipSelf: true });
        if (!found?.id.startsWith(SOURCES) || needsSources(importer)) return;
        return BUILT + found.id.slice(SOURCES.length).replace(/\.ts$/, '.js').replaceAll(sep, '/');
      },
    },
  ];
}
