import { spawn } from 'node:child_process';

/** Waits beside this program until that is gone, and ends what it left then. */
export interface OwnWatch {
  /** This program ends in order: nothing is left. */
  over(): void;
}

/**
 * Standard input ends when this program is gone, however that came: the end of a line says
 * that it was in order. A shell, since one takes next to no time and memory to wait.
 */
const SCRIPT = 'read -r over || exec "$@"';

/** What whoever ends leftovers has to know of the environment, to look in the same places. */
const VARIABLES = ['PATH', 'HOME', 'TMPDIR', 'XDG_RUNTIME_DIR', 'XDG_CACHE_HOME'];

/**
 * Begins to watch this program. It is a session of its own: what is sent to all of a terminal, or
 * to this program's group, is not meant for it. Where there is no shell, the next `run` does
 * the same.
 */
export function watchThis(): OwnWatch {
  const { argv, env, execPath } = process;
  const end = [execPath, argv[1] ?? '', 'end-leftovers'];
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', ...end], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: Object.fromEntries(VARIABLES.map((name) => [name, env[name]])),
    cwd: '/',
    detached: true,
  });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  return { over: () => child.stdin.end('\n') };
}
