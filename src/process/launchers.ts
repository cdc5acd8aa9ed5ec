import { childProcessLauncher } from './child-process-launcher.ts';
import type { Launcher } from './launcher.ts';
import { posixSpawnLauncher } from './native/posix-spawn-launcher.ts';
import type { StartedWith } from './started-with.ts';

/** The launchers that there are, the better first. */
export const LAUNCHER_NAMES = ['posix_spawn', 'child_process'] as const;

/** The name of a launcher. */
export type LauncherName = (typeof LAUNCHER_NAMES)[number];

/**
 * Makes a launcher; where no name is given, the best that this machine offers. Processes get
 * what this program was started with as far as the launcher can give it, and that is told.
 *
 * @throws Error if this machine does not offer the one that was asked for
 */
export function createLauncher(name?: LauncherName, startedWith?: StartedWith): Launcher {
  if (name === 'child_process') return childProcessLauncher;
  try {
    return posixSpawnLauncher(startedWith);
  } catch (error) {
    if (name !== undefined) throw error;
    return childProcessLauncher;
  }
}
