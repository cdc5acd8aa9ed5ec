import { type Chunk, loadFrom } from './chunks.ts';
import { codeCache } from './code-cache.ts';

/*
 * What `bundle/main.js` begins with: it loads the command line, from chunks of code beside it,
 * which take no compiling where they were compiled before.
 */

/** Put in by scripts/bundle.mjs: a hash of all chunks. */
declare const BUILD: string;

const cache = codeCache(process.env, BUILD);
const chunks = new Map<string, Chunk>();
loadFrom(__dirname, chunks, cache)('./command-line-main.js');
process.on('exit', () => cache?.keep(chunks));
