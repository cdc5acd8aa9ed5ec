import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import type { CodeCache } from './code-cache.ts';

/** A file of code that was loaded. */
export interface Chunk {
  readonly exports: object;
  readonly script: Script;
}

type Load = (id: string) => unknown;
type Run = (exports: object, require: Load, module: { exports: object }, file: string) => void;

/**
 * What loads modules of CommonJS: chunks of the bundle by names that begin with a dot, all others
 * as Node.js does. Done here, since Node.js compiles what it loads itself each time.
 */
export function loadFrom(
  folder: string,
  chunks: Map<string, Chunk>,
  cache: CodeCache | undefined,
): Load {
  const requireOther = createRequire(join(folder, 'main.js'));
  const load: Load = (id) => {
    if (!id.startsWith('./')) return requireOther(id);
    const name = id.slice(2);
    const known = chunks.get(name);
    if (known !== undefined) return known.exports;
    const filename = join(folder, name);
    // Nothing but ASCII, as which it takes no decoding.
    const code = readFileSync(filename, 'latin1');
    const cachedData = cache?.read(name);
    const script = new Script(`(function (exports, require, module, __filename) {${code}\n})`, {
      filename,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    if (script.cachedDataRejected === true) cache?.reject(name);
    const module = { exports: {} };
    chunks.set(name, { exports: module.exports, script });
    (script.runInThisContext() as Run)(module.exports, load, module, filename);
    return module.exports;
  };
  return load;
}
