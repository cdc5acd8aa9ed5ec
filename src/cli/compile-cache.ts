import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ensurePrivateFolder } from '../private-folder.ts';
import { newerNode } from './newer-node.ts';

/**
 * Has what is loaded from now on be taken from a cache of compiled code, where Node.js has
 * one, unless the user has chosen a folder for it, or none. See docs/performance.md.
 *
 * Not from the folder that Node.js would take, in the one for temporary files: whoever makes
 * that first could put code there for others to run.
 */
export async function useCompileCache(env: NodeJS.ProcessEnv): Promise<void> {
  if (newerNode.enableCompileCache === undefined) return;
  if (env['NODE_COMPILE_CACHE'] || env['NODE_DISABLE_COMPILE_CACHE']) return;
  const cache = cacheFolder(env);
  if (cache === undefined) return;
  try {
    await ensurePrivateFolder(cache);
  } catch {
    // It only takes longer without.
    return;
  }
  newerNode.enableCompileCache(join(cache, 'compiled'));
}

/** The user's folder for what can be made again, as the XDG Base Directory Specification has it. */
function cacheFolder(env: NodeJS.ProcessEnv): string | undefined {
  const cache = env['XDG_CACHE_HOME'];
  if (cache !== undefined && isAbsolute(cache)) return join(cache, 'runlet');
  const home = homedir();
  return isAbsolute(home) && home !== '/' ? join(home, '.cache', 'runlet') : undefined;
}
