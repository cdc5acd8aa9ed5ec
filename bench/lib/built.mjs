// @ts-check

/**
 * Imports a module of the server as it was built: from dist/, whose declarations need
 * not be there for the types to be checked.
 *
 * @template Module
 * @param {string} path in dist/
 * @returns {Promise<Module>}
 */
export function built(path) {
  return import(new URL(`../../dist/${path}`, import.meta.url).href);
}
