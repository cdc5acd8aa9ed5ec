import { loadKoffi } from '../../koffi.ts';

/**
 * Has this program end as soon as its exit is over, by _exit(2). By default Node.js waits then
 * for the threads of its pool, each of which may be in the midst of something that does
 * not come to an end: a file on a disk that hangs, a child that does not become its program.
 *
 * Called when everything is registered that has to be done at the exit: what is registered
 * later is not done. Where the C library cannot be called it stays as it is.
 */
export function exitAtOnce(): void {
  const exit = bindExit();
  if (exit === undefined) return;
  process.on('exit', (code) => exit(code));
}

function bindExit(): ((code: number) => void) | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    return loadKoffi().load(null).func('void _exit(int code)') as (code: number) => void;
  } catch {
    return undefined;
  }
}
