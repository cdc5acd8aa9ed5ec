import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Logger } from 'pino';
import { ensureUnsharedFolder } from '../private-folder.ts';

/**
 * Where state is kept if nothing is said: in the user's folder for state, as the XDG
 * Base Directory Specification has it; a user without a home has a folder for
 * temporary files.
 */
export function defaultStateFolder(env: NodeJS.ProcessEnv): string {
  const state = env['XDG_STATE_HOME'];
  if (state !== undefined && isAbsolute(state)) return join(state, 'runlet');
  const home = homedir();
  return isAbsolute(home) && home !== '/'
    ? join(home, '.local', 'state', 'runlet')
    : join(tmpdir(), `runlet-${process.getuid?.() ?? 0}`, 'state');
}

/**
 * The folder that was asked for; or the default one, if it can be used: a server does
 * not fail for want of a folder that nobody asked for. Undefined: none.
 */
export async function usableStateFolder(
  asked: string | undefined,
  env: NodeJS.ProcessEnv,
  logger: Logger,
): Promise<string | undefined> {
  if (asked !== undefined) return asked;
  const folder = defaultStateFolder(env);
  try {
    await ensureUnsharedFolder(folder);
    return folder;
  } catch (err) {
    logger.warn(
      { err },
      'there is no folder for files: output is kept in memory alone, and what this server leaves if it is killed is not found',
    );
    return undefined;
  }
}
