import { createRequire } from 'node:module';

/**
 * The module that calls functions of the C library. Not imported: it is native, and there is not
 * one for every machine.
 *
 * @throws Error where there is none
 */
export function loadKoffi(): typeof import('koffi') {
  return createRequire(import.meta.url)('koffi') as typeof import('koffi');
}
