import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * The first line that a program prints, which is that it has come so far. Rejects if it ends
 * without one: nobody would wait in vain.
 */
export function firstLineOf(child: ChildProcess): Promise<string> {
  const { stdout } = child;
  if (stdout === null) throw new Error('its standard output is no pipe');
  return new Promise((resolve, reject) => {
    const lines = createInterface(stdout).once('line', resolve);
    // Not before all that it printed was read, which may be after its exit.
    lines.once('close', () => reject(new Error('it ended before it printed a line')));
  });
}
